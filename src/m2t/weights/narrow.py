"""Models within a model: those without its last slices, which code for low qualities.

What belongs to channels and slices stands at the beginning of each axis of a tensor, so that the
smaller model is a part of each.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from numpy.typing import NDArray

from ..config import Aim, ModelConfig
from .file import INTEGER, LAPPED
from .layout import ANY, NEIGHBOURS, entropy, transforms


class Narrowing:
    """A part of a model that holds the same part of the models without its last slices."""

    config: ModelConfig

    def at(self, aim: Aim) -> Self:
        """That of the model that codes for an aim (ModelConfig.at), made when it is first needed.

        Whoever asks for something for an aim asks this: C are the channels of its config.
        """
        config = self.config.at(aim)
        if config is self.config:
            return self
        channels = config.transform.latent_channels
        if channels not in self._made:  # threads that come at once make the same
            self._made[channels] = self.narrowed(config)
        return self._made[channels]

    def narrowed(self, config: ModelConfig) -> Self:
        """The same part of the model of `config`."""
        raise NotImplementedError

    @cached_property
    def _made(self) -> dict[int, Self]:
        """By their channels."""
        return {}


def tensors_within(
    tensors: Mapping[str, NDArray[Any]], config: ModelConfig, prefix: str
) -> dict[str, NDArray[Any]]:
    """Those of the smaller model of `config`, of a model's tensors below `prefix`."""
    parts = {INTEGER: entropy, LAPPED: transforms}
    names = ((name.removeprefix(prefix), shape) for name, _, shape in parts[prefix](config))
    return {name: beginning(name, tensors[name], shape) for name, shape in names}


def beginning(name: str, tensor: Any, shape: Sequence[int]) -> Any:
    """As much of a tensor, of NumPy or PyTorch, as has that shape; ANY takes all of an axis."""
    if name.endswith("neighbours.weight"):  # channels of one neighbour after those of another
        apart = tensor.reshape(shape[0], NEIGHBOURS, -1)[..., : shape[1] // NEIGHBOURS]
        tensor = apart.reshape(shape)
    return tensor[tuple(slice(None if n == ANY else n) for n in shape)]
