"""Gradients by pixels to gradients by tokens, through the linear part of the synthesis.

It is a convolution of the analysis' shape, with the weights of the synthesis.
"""

import numpy as np
from numpy.typing import NDArray

from ..config import STRIDE, Aim, ModelConfig
from ..engine.arithmetic import STREAM_LIMIT, Finish
from ..engine.eye_tables import UNITS
from ..engine.pictures import Picture, PictureOperations
from . import kernels
from .analysis import windows
from .kernels import Tensors

Floats = NDArray[np.float32]

FRACTION = 2.0**32
"""Weights are summed as integers in this part of their unit: in any order then."""
SUM = 2.0**18
"""Of a row's magnitudes at most: sums wrap where pixels' mean gradient exceeds a quarter of the
largest, and has the very signs of the weights; then a move is misjudged, no more."""


class Adjoint:
    """That of one model. Safe to share."""

    def __init__(self, config: ModelConfig, t: Tensors, ops: PictureOperations) -> None:
        self.rate, self.gains = config.rate, t["gains"]
        weights = _painted(t)
        total = np.rint(np.abs(weights) * FRACTION).astype(np.int64).sum((1, 2, 3)) / FRACTION
        unit = np.maximum(total / SUM, np.abs(weights).max((1, 2, 3)) / STREAM_LIMIT)
        unit = np.maximum(unit, 2.0**-100)
        integers = np.rint(weights / unit[:, None, None, None]).astype(np.int16)
        self.unit = unit.astype(np.float32)
        self.energies = (np.rint(np.square(weights) * FRACTION).astype(np.int64)).sum((1, 2, 3))
        self.energies = (self.energies / FRACTION).astype(np.float32)
        pixels = kernels.as_pixels(integers)
        self.kernel = ops.kernel(pixels, self.unit, np.zeros_like(self.unit), STRIDE)

    def run(
        self,
        ops: PictureOperations,
        by_pixels: NDArray[np.int16],
        unit: np.float32,
        aim: Aim,
        rows: slice,
        out: Floats,
    ) -> None:
        """Rows of gradients (h, w, C) of gradients (H, W, 3), which count in `unit`, to `out`."""
        height, width = (-(-side // STRIDE) * STRIDE for side in by_pixels.shape[:2])

        def lines(part: slice) -> Picture:
            some = by_pixels[part]
            return np.pad(some, _missing(part.stop - part.start - len(some), width - some.shape[1]))

        x = windows(lines, height, width, rows)
        gain = self.gains[self.rate.row(aim)]
        kernel = self.kernel._replace(multiplier=self.unit * unit / gain)
        ops.conv(kernel, x, out, Finish.RAW)

    def step_errors(self, aim: Aim) -> Floats:
        """(C,): about the squared error (0..255, summed) of a step of one in each channel."""
        gain = self.gains[self.rate.row(aim)]
        return np.float32(255**2) * self.energies / (gain * gain)


def _missing(lines: int, columns: int) -> tuple[tuple[int, int], ...]:
    return (0, lines), (0, columns), (0, 0)


def _painted(t: Tensors) -> NDArray[np.float64]:
    """(C, 4, 4, 192): what a token of one paints, in pixels from 0 to 1."""
    weight = t["synthesis.linear.weight"].transpose(3, 1, 2, 0).astype(np.float64)
    rows = t["synthesis.linear.multiplier"].astype(np.float64) / (UNITS * 255)
    columns = t["synthesis.unit"].astype(np.float64)
    return weight * rows / columns[:, None, None, None]
