"""The transforms' tensors, as a weights file holds them, to kernels in the order of places.

Files count channels as PyTorch does: pixel_shuffle(r) takes channel c r^2 + r i + j to channel c of
the place in row i, column j. Here the channels of a place are those of its lines, one after the
other, so that what a shuffle spreads is written by a convolution's outputs as they are:

- a *block* is 4x4 pixels: four lines of 4 x RGB, 48 values;
- at 1/8 resolution, a place is 2x2 blocks, line by line.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.pictures import Kernel, PictureOperations

Tensors = Mapping[str, NDArray[Any]]

FINE_SIDE = 2
"""Places at 1/8 along a token's side."""
BLOCK_LINES = 4
BLOCK = 48
"""Values of a block."""
SHUFFLED = np.arange(BLOCK).reshape(3, 4, 4).transpose(1, 2, 0).ravel()
"""For each value of a block, by line, column and colour, its channel in files."""
PLACE = np.arange(4 * BLOCK).reshape(BLOCK, 2, 2)[SHUFFLED].transpose(1, 2, 0)
"""(2, 2, 48): for each value of a place at 1/8, by block and value, its channel in files."""
PIXELS = np.arange(4 * BLOCK).reshape(3, 4, 4, 2, 2).transpose(3, 1, 4, 2, 0).reshape(8, 8, 3)
"""(8, 8, 3): for each pixel and colour of 8x8 pixels, its channel in files."""

TAPS = ((3, 1), (2, 0))
"""Of four, along one side: those of the place before the middle of a token, and after it."""


def kernel(ops: PictureOperations, t: Tensors, name: str, stride: int = 1) -> Kernel:
    """The convolution `name`, as it is stored."""
    return ops.kernel(t[f"{name}.weight"], t[f"{name}.multiplier"], t[f"{name}.bias"], stride)


def some(ops: PictureOperations, t: Tensors, name: str, outputs: NDArray[np.int64]) -> Kernel:
    """Some outputs of the convolution `name`, in this order."""
    weight, multiplier, bias = (t[f"{name}.{part}"] for part in ("weight", "multiplier", "bias"))
    return ops.kernel(weight[outputs], multiplier[outputs], bias[outputs])


def rows_of(ops: PictureOperations, t: Tensors, name: str, side: int) -> list[Kernel]:
    """The convolution `name`, whose outputs are spread over side x side places: row by row."""
    outputs = np.arange(len(t[f"{name}.bias"])).reshape(-1, side, side).transpose(1, 2, 0)
    return [some(ops, t, name, row.ravel()) for row in outputs]


def to_block(ops: PictureOperations, t: Tensors, name: str) -> Kernel:
    """The convolution `name`, whose outputs are the values of a block."""
    return some(ops, t, name, SHUFFLED)


def from_block(ops: PictureOperations, t: Tensors, name: str) -> Kernel:
    """The convolution `name`, whose inputs are the values of a block."""
    weight = t[f"{name}.weight"][..., SHUFFLED]
    return ops.kernel(weight, t[f"{name}.multiplier"], t[f"{name}.bias"])


def from_place(ops: PictureOperations, t: Tensors, name: str) -> Kernel:
    """The convolution `name`, whose inputs are the 2x2 blocks of a place at 1/8."""
    weight = t[f"{name}.weight"][:, 0, 0][:, PLACE]
    return ops.kernel(weight, t[f"{name}.multiplier"], t[f"{name}.bias"], 2)


def from_pixels(ops: PictureOperations, t: Tensors, name: str) -> Kernel:
    """The convolution `name`, whose inputs are the 8x8 pixels of a place at 1/8."""
    weight = t[f"{name}.weight"][:, 0, 0][:, PIXELS]
    return ops.kernel(weight, t[f"{name}.multiplier"], t[f"{name}.bias"], len(PIXELS))


def as_pixels(weight: NDArray[np.int16]) -> NDArray[np.int16]:
    """Weights (outputs, 4, 4, 192) of places at 1/8 as those of the 32x32 pixels that they are."""
    by_pixels = weight[..., PIXELS]  # (outputs, 4, 4, 8, 8, 3)
    return by_pixels.transpose(0, 1, 3, 2, 4, 5).reshape(len(weight), 32, 32, 3)


def painting(ops: PictureOperations, t: Tensors, name: str) -> list[list[list[Kernel]]]:
    """The transposed convolution `name`, 4x4 with stride 2, from tokens to blocks.

    Kernels [a][b][i] for the row of two blocks, i of 2, of the place at 1/8 in row a, column b of a
    token. Its window is 2x2 tokens: from one up and one left of the token, a down and b right.
    """
    weight, multiplier, bias = (t[f"{name}.{part}"] for part in ("weight", "multiplier", "bias"))

    def part(a: int, b: int, i: int) -> Kernel:
        rows = PLACE[i].ravel()
        window = weight[rows][:, TAPS[a]][:, :, TAPS[b]]
        return ops.kernel(window, multiplier[rows], bias[rows])

    return [[[part(a, b, i) for i in range(2)] for b in range(2)] for a in range(2)]
