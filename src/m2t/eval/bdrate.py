"""Bjøntegaard's delta rate: how much larger files are at equal PSNR."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import bjontegaard

from ..errors import ConfigError
from .results import Point

Method = Literal["pchip", "cubic"]
_POINTS_NEEDED: dict[Method, int] = {"pchip": 2, "cubic": 4}


@dataclass(frozen=True)
class BDRate:
    """Mean difference in rate, and the range of PSNR that it is the mean over."""

    percent: float
    """Negative: smaller files than the anchor's."""
    psnr_min: float
    psnr_max: float
    method: Method


def bd_rate(anchor: Sequence[Point], points: Sequence[Point], method: Method = "pchip") -> BDRate:
    """The rate of `points` relative to `anchor`, over the PSNR that both reach.

    "pchip" follows the points; "cubic" fits one polynomial, as the original proposal does.
    """
    anchor, points = _ascending(anchor), _ascending(points)
    needed = _POINTS_NEEDED[method]
    if min(len(anchor), len(points)) < needed:
        raise ConfigError(f"BD-rate by {method} needs {needed} points on each curve")
    psnr_min = max(anchor[0].psnr, points[0].psnr)
    psnr_max = min(anchor[-1].psnr, points[-1].psnr)
    if psnr_min >= psnr_max:
        raise ConfigError("the curves have no PSNR in common")
    percent: Any = bjontegaard.bd_rate(
        [point.bpp for point in anchor],
        [point.psnr for point in anchor],
        [point.bpp for point in points],
        [point.psnr for point in points],
        method=method,
        require_matching_points=False,
        min_overlap=0,  # the overlap is reported instead of warned about
    )
    return BDRate(float(percent), psnr_min, psnr_max, method)


def _ascending(points: Sequence[Point]) -> list[Point]:
    points = sorted(points, key=lambda point: point.bpp)
    finite = all(math.isfinite(point.psnr) and point.bpp > 0 for point in points)
    rising = all(a.psnr < b.psnr for a, b in pairwise(points))
    if not finite or not rising:
        raise ConfigError("BD-rate needs points whose PSNR rises with the rate")
    return points
