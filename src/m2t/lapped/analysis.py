"""Pixels to tokens, in integers: one convolution of 32x32 pixels, 16 apart.

It is the linear LappedAnalysis (learn/networks/lapped.py): pixels enter as 2 p - 255, exactly.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..config import STRIDE, Aim, ModelConfig
from ..engine.arithmetic import Finish
from ..engine.pictures import Picture, PictureOperations
from ..geometry.windows import Latents
from . import kernels
from .kernels import Tensors

Pixels = Callable[[slice], Picture]
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
        gain = self.gains[self.rate.row(aim)]
        kernel = self.kernel._replace(multiplier=self.multiplier * gain, bias=self.bias * gain)
        lines, columns = (
            np.minimum(np.arange(-(-side // STRIDE) * STRIDE), side - 1) for side in rgb.shape[:2]
        )

        def signed(part: slice) -> Picture:
            return rgb[lines[part, None], columns].astype(np.int16) * np.int16(2) - np.int16(255)

        x = windows(signed, len(lines), len(columns), rows)
        ops.conv(kernel, x, out, Finish.TOKENS)


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
