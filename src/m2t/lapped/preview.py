"""Tokens to a picture of a quarter or an eighth of the size, in integers: the linear part alone.

What the networks of the synthesis add is mostly finer than that. Each pixel is the mean of the
square of pixels that the linear part paints in its place, so that means of its weights paint it,
and no larger picture is made on the way.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ..config import STRIDE
from ..engine.arithmetic import Finish
from ..engine.pictures import PictureOperations
from ..geometry.windows import Latents
from .kernels import PIXELS, TAPS, Tensors

SCALES = (4, 8)
PLACE_SIDE = len(PIXELS)
"""Pixels along the side of a place at 1/8."""
FRACTION = 2.0**30
"""Multipliers are summed as integers in this part of the largest: in any order then."""


class Preview:
    """Pictures of one model at one of SCALES. Safe to share."""

    def __init__(self, t: Tensors, ops: PictureOperations, scale: int) -> None:
        self.side = PLACE_SIDE // scale
        """Pixels along the side of a place."""
        squares = PIXELS.reshape(self.side, scale, self.side, scale, 3).transpose(0, 2, 4, 1, 3)
        weight, multiplier, bias = _means(t, squares.reshape(-1, scale * scale))
        self.kernels = [
            [ops.kernel(weight[:, rows][:, :, columns], multiplier, bias) for columns in TAPS]
            for rows in TAPS
        ]

    def run(
        self,
        ops: PictureOperations,
        y_hat: Latents,
        rows: slice,
        gains: NDArray[np.float32],
        out: NDArray[np.uint8],
    ) -> None:
        """Paint some rows of tokens, of all (h, w, C), to the pixels (H, W, 3) that they cover."""
        height, columns, channels = y_hat.shape
        first, last = max(0, rows.start - 1), min(height, rows.stop + 1)
        tokens = np.zeros((rows.stop - rows.start + 2, columns + 2, channels), np.int16)
        top = first - (rows.start - 1)
        ops.scale(y_hat[first:last], gains, tokens[top : top + last - first, 1:-1])
        places = np.empty((2 * (rows.stop - rows.start), 2 * columns, 3 * self.side**2), np.int16)
        for a in range(2):
            for b in range(2):
                ops.conv(self.kernels[a][b], tokens[a:, b:], places[a::2, b::2], Finish.STREAM)
        ops.pixels(places, self.side, out)

    def lines(self, rows: slice) -> slice:
        """The lines of the small picture that rows of tokens paint."""
        side = STRIDE // PLACE_SIDE * self.side
        return slice(side * rows.start, side * rows.stop)


def _means(
    t: Tensors, squares: NDArray[np.int64]
) -> tuple[NDArray[np.int16], NDArray[np.float32], NDArray[np.float32]]:
    """Weights, multipliers, biases of the means of channels (outputs, n); n is a power of two."""
    weight, multiplier, bias = (
        t[f"synthesis.linear.{part}"] for part in ("weight", "multiplier", "bias")
    )
    weight = weight.astype(np.int64)  # or NumPy 1 would multiply in 32 bits
    unit = np.maximum(np.abs(multiplier[squares]).max(1), np.float32(1e-30))
    # Of 15 bits and 30, n of them: exact, and so is the division.
    parts = np.rint(multiplier[squares] / unit[:, None].astype(np.float64) * FRACTION)
    means = [
        sum(weight[channel] * number for channel, number in zip(channels, part, strict=True))
        for channels, part in zip(squares, parts.astype(np.int64), strict=True)
    ]
    means = np.rint(np.array(means) / (FRACTION * squares.shape[1])).astype(np.int16)
    biases = [math.fsum(bias[channels].tolist()) / squares.shape[1] for channels in squares]
    return means, unit, np.array(biases, np.float32)
