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


def rounded(x: Tensor, place: str, largest: dict[str, Tensor], training: bool) -> Tensor:
    """Activations (..., channels) at a place, in 8 bits; the gradient is that of the identity.

    `largest` has, by place, the largest absolute values lately (channels,), which training follows.
    They stay where they are in memory, as what a CUDA graph replays goes on from there.
    """
    known = largest.get(place)
    if training or known is None:
        seen = x.detach().abs().flatten(0, -2).amax(0).float()
        known = seen if known is None else known.copy_(torch.maximum(seen, DECAY * known))
        if training:
            largest[place] = known
    return through(x, channel_units(known).to(x.dtype))


def through(x: Tensor, units: Tensor | float) -> Tensor:
    """x rounded to integers of 8 bits in these units; the gradient is that of the identity."""
    return x + ((x.detach() / units).round().clamp(-127, 127) * units - x.detach())


def imitate_integers(model: EntropyModel) -> dict[str, Tensor]:
    """From now on, let `model` round activations, and tokens as it sees them around a slot.

    Weights stay as they are: export rounds them almost without a loss.

    Returns:
        The largest activations of training so far, by place: empty, and filled as it goes on.
    """
    largest: dict[str, Tensor] = {}
    for place, module, into in rounded_places(model):
        hook(module, into, partial(_rounded, model, place, largest))
    if model.config.delta == 0:
        layers = [model.neighbours] if model.config.neighbours else []
        if isinstance(model.head, SlicedHead):
            layers += list(model.head.from_earlier)
        for layer in layers:
            hook(layer, True, partial(through, units=LOG_STEP))
    return largest


def _rounded(model: nn.Module, place: str, largest: dict[str, Tensor], x: Tensor) -> Tensor:
    return rounded(x, place, largest, model.training)
