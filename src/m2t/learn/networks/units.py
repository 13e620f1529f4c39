"""The ReLU units inside a model: the modules that have some say so themselves."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn


class Units(NamedTuple):
    """The units that one layer reads, and the weights of each."""

    reader: nn.Module
    """A linear layer or convolution, whose inputs they are."""
    rows: tuple[Tensor, ...]
    """(units, ...) each, their inputs' weights: none where they are channels of a residual stream,
    to which many layers add."""
    shifts: tuple[Tensor, ...]
    """(units,) each, what is added before the ReLU: the bias first, then what is asked for."""
    columns: tuple[Tensor, ...]
    """(outputs, units, ...) each, what all readers multiply them by."""


@runtime_checkable
class HasUnits(Protocol):
    """A module with ReLU units between layers of its own."""

    def units(self) -> Iterable[Units]:
        """By the layer that reads them."""
        ...


def between(layer: nn.Module, reader: nn.Module, *shifts: Tensor) -> Units:
    """The units from one layer to the next."""
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    assert layer.bias is not None
    assert isinstance(reader, nn.Linear | nn.Conv2d)
    return Units(reader, (layer.weight,), (layer.bias, *shifts), (reader.weight,))


def units_of(model: nn.Module) -> dict[str, Units]:
    """All units inside `model`, by the name of the layer that reads them.

    The weights share memory with the model's, without gradients.
    """
    names = {module: name for name, module in model.named_modules()}
    found = (units for module in names if isinstance(module, HasUnits) for units in module.units())
    return {names[units.reader]: _detached(units) for units in found}


def _detached(units: Units) -> Units:
    weights = (tuple(tensor.detach() for tensor in group) for group in units[1:])
    return Units(units.reader, *weights)
