"""A float model that rounds as its integer version will, so that training can make up for it."""

from functools import partial

import torch
from torch import Tensor, nn

from ..networks.head import SlicedHead
from ..networks.transformer import EntropyModel
from .calibrate import hook, rounded_places
from .entropy_to_integers import LOG_STEP
from .rounding import channel_units

DECAY = 0.999
"""Per step of training, of the largest values that units follow from."""


class RoundedActivation:
    """Rounds activations (..., channels) to 8 bits, in units of what was largest lately."""

    def __init__(self) -> None:
        self.largest: Tensor | None = None

    def __call__(self, x: Tensor, training: bool) -> Tensor:
        """Rounded; the gradient is that of the identity."""
        if training or self.largest is None:
            seen = x.detach().abs().flatten(0, -2).amax(0).float()
            before = seen if self.largest is None else DECAY * self.largest
            self.largest = torch.maximum(seen, before)
        return through(x, channel_units(self.largest).to(x.dtype))


def through(x: Tensor, units: Tensor | float) -> Tensor:
    """x rounded to integers of 8 bits in these units; the gradient is that of the identity."""
    return x + ((x.detach() / units).round().clamp(-127, 127) * units - x.detach())


def imitate_integers(model: EntropyModel) -> None:
    """From now on, let `model` round activations, and tokens as it sees them around a slot.

    Weights stay as they are: export rounds them almost without a loss.
    """
    for _, module, into in rounded_places(model):
        hook(module, into, partial(_rounded, model, RoundedActivation()))
    if model.config.delta == 0:
        layers = [model.neighbours] if model.config.neighbours else []
        if isinstance(model.head, SlicedHead):
            layers += list(model.head.from_earlier)
        for layer in layers:
            hook(layer, True, partial(through, units=LOG_STEP))


def _rounded(model: nn.Module, activation: RoundedActivation, x: Tensor) -> Tensor:
    return activation(x, model.training)
