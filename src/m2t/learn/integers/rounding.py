"""Weights and activations to integers of 7 and 8 bits, with the least error at the output."""

import torch
from torch import Tensor

from ...engine.arithmetic import EXACT, WEIGHT_LIMIT

SHARES = tuple(1 - 0.05 * i for i in range(10))
"""Of a row's largest weight: where it may be clipped for the good of the others."""
OUTLIER = 16
"""Largest value of a channel, over the median of all channels' largest."""
FAINTEST = 2.0**-12
"""Channels weaker than that, of the strongest one, are rounded as if they had it."""
ROUNDING = 1 / 12
"""Variance of a rounding error."""


def channel_units(largest: Tensor) -> Tensor:
    """(channels,) unit in which each channel fills 8 bits, given its largest value.

    Values far beyond those of most channels are cut off. They come from units that are dead but on
    a picture in a hundred, and would make the units of all others coarse: where float models have
    such values, what they predict is no better than where they are cut.

    Channels that never were anything but 0 count as usual ones: with the least unit, weights behind
    dead units would become 4096 times as large whenever integers become floats again.
    """
    # By tensors alone, since training must not wait for a GPU to tell how many are alive.
    ascending, num_dead = largest.sort().values, (largest <= 0).sum()
    median = (num_dead + len(largest) - 1) // 2  # of those that are alive: the last one, if none is
    usual = ascending.index_select(0, median[None])
    largest = torch.where(largest > 0, largest.minimum(OUTLIER * usual), usual)
    return largest.maximum((FAINTEST * largest.max()).clamp_min(1e-9)).double() / 127


def quantise_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """float (rows, cols) -> int8 within +-63, and the unit of each row, for the least error."""
    largest = weight.abs().amax(1, keepdim=True).clamp_min(1e-12) / WEIGHT_LIMIT
    # Rows whose absolute weights could sum past the exact range get a coarser unit.
    total = weight.abs().sum(1, keepdim=True)
    exact = total / ((EXACT - 1) / 127 - weight.shape[1] / 2)
    units = torch.stack([torch.maximum(largest * share, exact) for share in SHARES])
    integers = (weight / units).round().clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
    best = (integers * units - weight).square().sum(2).argmin(0)
    rows = torch.arange(len(weight))
    return integers[best, rows].to(torch.int8), units[best, rows, 0]


def quantise_layer(weight: Tensor, gram: Tensor) -> tuple[Tensor, Tensor]:
    """`quantise_rows` for the least squared error of the layer's outputs, not of its weights.

    One column is rounded after the other, the strongest input first, and those that follow make up
    for its error as far as their inputs move with its own (GPTQ, Frantar et al. 2023).

    Args:
        weight: (rows, cols) float64, for inputs that are integers.
        gram: (cols, cols) float64, mean products of these inputs.
    """
    plain, units = quantise_rows(weight)
    order = gram.diag().argsort(descending=True)
    noisy = gram[order][:, order] + ROUNDING * torch.eye(len(gram), dtype=gram.dtype)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(noisy))
    factor = torch.linalg.cholesky(inverse, upper=True)
    left, rounded = weight[:, order], torch.empty_like(weight)
    for j, column in enumerate(order):
        rounded[:, column] = (left[:, j] / units).round().clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
        error = (left[:, j] - rounded[:, column] * units) / factor[j, j]
        left[:, j + 1 :] -= error[:, None] * factor[j, j + 1 :]
    exact = 127 * rounded.abs().sum(1) < EXACT
    return torch.where(exact[:, None], rounded, plain.to(rounded)).to(torch.int8), units
