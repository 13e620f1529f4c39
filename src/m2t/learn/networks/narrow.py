"""A network without its last slices, as it codes for low qualities (ModelConfig.at), in floats."""

import torch
from torch import Tensor, nn

from ...weights.layout import NEIGHBOURS


@torch.no_grad()
def narrow(small: nn.Module, wide: nn.Module) -> None:
    """Fill `small` from `wide`, the same module with more slices.

    What belongs to channels and slices stands at the beginning of each axis.
    """
    state = wide.state_dict()
    for name, parameter in small.named_parameters():
        parameter.copy_(_narrowed(name, state[name], parameter.shape))


def _narrowed(name: str, tensor: Tensor, shape: torch.Size) -> Tensor:
    if name.endswith("neighbours.weight"):  # channels of one neighbour after those of another
        channels = shape[1] // NEIGHBOURS
        tensor = tensor.unflatten(1, (NEIGHBOURS, -1))[..., :channels].flatten(1)
    return tensor[tuple(map(slice, shape))]
