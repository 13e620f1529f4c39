"""A network without its last slices, in floats: see weights/narrow.py."""

import torch
from torch import nn

from ...weights.narrow import beginning


@torch.no_grad()
def fill(small: nn.Module, wide: nn.Module) -> None:
    """Fill `small` from `wide`, the same module with more slices."""
    state = wide.state_dict()
    for name, parameter in small.named_parameters():
        parameter.copy_(beginning(name, state[name], parameter.shape))
