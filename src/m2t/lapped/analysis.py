"""Pixels to tokens, in integers: one convolution of 32x32 pixels, 16 apart, and maybe a network.

It is LappedAnalysis (learn/networks/lapped.py): pixels enter as 2 p - 255, exactly. An aim only
says by how much the sums are multiplied, so that many aims may share them.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ..config import STRIDE, Aim, ModelConfig
from ..engine.arithmetic import TOKEN_LIMIT, Finish
from ..engine.pictures import Picture, PictureOperations
from ..geometry.windows import Latents
from . import kernels
from .kernels import Tensors
from .nonlinear import Nonlinear, NonlinearRows

Pixels = Callable[[slice], Picture]
Floats = NDArray[np.float32]
Scaling = tuple[Floats, Floats]
"""A multiplier and a bias, (C,) each."""
MARGIN = STRIDE // 2
"""Pixels beyond a token's own that it sees on each side."""


class Analysis:
    """The analysis of one model. Safe to share."""

    def __init__(self, config: ModelConfig, t: Tensors, ops: PictureOperations) -> None:
        self.rate, self.gains = config.rate, t["gains"]
        weights = kernels.as_pixels(t["analysis.weight"])
        scaling = t["analysis.multiplier"], t["analysis.bias"]
        one = np.ones_like(scaling[0])
        self.summed: Scaling = one, np.zeros_like(one)
        """What the linear part's sums are multiplied by, and what is added to them, in `sums`,"""
        self.scaling: Scaling = scaling
        """and what those are in `rounded`, but for gains. What a network adds comes in between."""
        self.network = None
        if not config.transform.linear_analysis:
            self.network = Nonlinear(config.transform, t, ops)
            self.summed, self.scaling = self.scaling, self.summed
        self.kernel = ops.kernel(weights, *self.summed, STRIDE)

    def run(
        self,
        ops: PictureOperations,
        rgb: NDArray[np.uint8],
        aim: Aim,
        bands: Iterable[slice],
        out: Latents,
    ) -> None:
        """All tokens (h, w, C) of a picture (H, W, 3), to `out`, bands of rows from top to bottom.

        Beyond the picture, its last pixels are repeated up to whole tokens; beyond these is grey.
        """
        multiplier, bias = scaling = self._scaling(aim)
        if self.network is None:
            kernel = self.kernel._replace(multiplier=multiplier, bias=bias)
            for rows in bands:
                ops.conv(kernel, _seen(rgb, rows), out[rows], Finish.TOKENS)
            return
        sums = out.view(np.float32)  # there is no room for both
        self.sums(ops, rgb, bands, sums)
        for row, y in zip(out, sums, strict=True):
            row[:] = _rounded(y, scaling)

    def sums(
        self, ops: PictureOperations, rgb: NDArray[np.uint8], bands: Iterable[slice], out: Floats
    ) -> None:
        """The same for all aims: what `rounded` makes tokens of, to `out`.

        Sums of the linear part, or where there is a network, what both parts give before gains.
        """
        height, columns, _ = out.shape
        network = self.network and NonlinearRows(self.network, ops, columns)
        for rows in bands:
            x = _seen(rgb, rows)
            ops.conv(self.kernel, x, out[rows], Finish.RAW)
            if network:
                done = network.done
                added = network.run(x[MARGIN:-MARGIN, MARGIN:-MARGIN], rows.stop == height)
                out[done : network.done] += added

    def rounded(self, sums: Floats, aim: Aim, dead_zone: float) -> Latents:
        """Tokens (..., C) of such sums: the very integers of `run` where there is no dead zone.

        Latents move by `dead_zone` towards zero before they are rounded.
        """
        return _rounded(sums, self._scaling(aim), dead_zone)

    def _scaling(self, aim: Aim) -> Scaling:
        gain = self.gains[self.rate.row(aim)]
        multiplier, bias = self.scaling
        return multiplier * gain, bias * gain


def _rounded(sums: Floats, scaling: Scaling, dead_zone: float = 0.0) -> Latents:
    multiplier, bias = scaling
    y = sums * multiplier + bias
    if dead_zone:
        y -= np.clip(y, np.float32(-dead_zone), np.float32(dead_zone))
    limit = np.float32(TOKEN_LIMIT)
    return np.clip(np.rint(y), -limit, limit).astype(np.int32)


def _seen(rgb: NDArray[np.uint8], rows: slice) -> Picture:
    """What rows of tokens see of a picture."""
    lines, columns = (
        np.minimum(np.arange(-(-side // STRIDE) * STRIDE), side - 1) for side in rgb.shape[:2]
    )

    def signed(part: slice) -> Picture:
        return rgb[lines[part, None], columns].astype(np.int16) * np.int16(2) - np.int16(255)

    return windows(signed, len(lines), len(columns), rows)


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
