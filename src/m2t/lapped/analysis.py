"""Pixels to tokens, in integers: one convolution of 32x32 pixels, 16 apart.

It is the linear LappedAnalysis (learn/networks/lapped.py): pixels enter as 2 p - 255, exactly. An
aim only says by how much its exact sums are multiplied, so that many aims may share them.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..config import STRIDE, Aim, ModelConfig
from ..engine.arithmetic import TOKEN_LIMIT, Finish
from ..engine.pictures import Picture, PictureOperations
from ..geometry.windows import Latents
from . import kernels
from .kernels import Tensors

Pixels = Callable[[slice], Picture]
Floats = NDArray[np.float32]
MARGIN = STRIDE // 2
"""Pixels beyond a token's own that it sees on each side."""


class Analysis:
    """The analysis of one model. Safe to share."""

    def __init__(self, config: ModelConfig, t: Tensors, ops: PictureOperations) -> None:
        self.rate, self.gains = config.rate, t["gains"]
        self.multiplier, self.bias = t["analysis.multiplier"], t["analysis.bias"]
        weights = kernels.as_pixels(t["analysis.weight"])
        self.kernel = ops.kernel(weights, self.multiplier, self.bias, STRIDE)

    def run(
        self, ops: PictureOperations, rgb: NDArray[np.uint8], aim: Aim, rows: slice, out: Latents
    ) -> None:
        """Rows of tokens (h, w, C) of a picture (H, W, 3), to `out`.

        Beyond the picture, its last pixels are repeated up to whole tokens; beyond these is grey.
        """
        multiplier, bias = self._scaling(aim)
        self._convolve(ops, rgb, multiplier, bias, rows, out, Finish.TOKENS)

    def sums(
        self, ops: PictureOperations, rgb: NDArray[np.uint8], rows: slice, out: Floats
    ) -> None:
        """The same for all aims: what `rounded` makes tokens of, to `out`."""
        one = np.ones_like(self.multiplier)
        self._convolve(ops, rgb, one, np.zeros_like(one), rows, out, Finish.RAW)

    def rounded(self, sums: Floats, aim: Aim, dead_zone: float) -> Latents:
        """Tokens (..., C) of such sums: the very integers of `run` where there is no dead zone.

        Latents move by `dead_zone` towards zero before they are rounded.
        """
        multiplier, bias = self._scaling(aim)
        y = sums * multiplier + bias
        if dead_zone:
            y -= np.clip(y, np.float32(-dead_zone), np.float32(dead_zone))
        return np.clip(np.rint(y), np.float32(-TOKEN_LIMIT), np.float32(TOKEN_LIMIT)).astype(
            np.int32
        )

    def _scaling(self, aim: Aim) -> tuple[Floats, Floats]:
        gain = self.gains[self.rate.row(aim)]
        return self.multiplier * gain, self.bias * gain

    def _convolve(
        self,
        ops: PictureOperations,
        rgb: NDArray[np.uint8],
        multiplier: Floats,
        bias: Floats,
        rows: slice,
        out: Picture,
        finish: Finish,
    ) -> None:
        kernel = self.kernel._replace(multiplier=multiplier, bias=bias)
        lines, columns = (
            np.minimum(np.arange(-(-side // STRIDE) * STRIDE), side - 1) for side in rgb.shape[:2]
        )

        def signed(part: slice) -> Picture:
            return rgb[lines[part, None], columns].astype(np.int16) * np.int16(2) - np.int16(255)

        x = windows(signed, len(lines), len(columns), rows)
        ops.conv(kernel, x, out, finish)


def windows(pixels: Pixels, height: int, width: int, rows: slice) -> Picture:
    """What rows of tokens see of a picture of whole tokens: int16, zeros beyond its edges.

    Args:
        pixels: gives lines of the picture, (lines, width, 3).
    """
    first, last = rows.start * STRIDE - MARGIN, rows.stop * STRIDE + MARGIN
    x = np.zeros((last - first, width + 2 * MARGIN, 3), np.int16)
    inside = slice(max(first, 0), min(last, height))
    x[inside.start - first : inside.stop - first, MARGIN:-MARGIN] = pixels(inside)
    return x
