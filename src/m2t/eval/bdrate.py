"""Bjøntegaard's deltas: the mean difference in size at equal quality, in quality at equal size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import bjontegaard

from ..errors import ConfigError
from .metrics import decibels
from .results import Point

Method = Literal["pchip", "cubic"]
Metric = Literal["psnr", "ms_ssim"]
_POINTS_NEEDED: dict[Method, int] = {"pchip": 2, "cubic": 4}
MIN_OVERLAP = 0.5
"""Of the narrower curve's range: below that, a mean says little of either codec."""


@dataclass(frozen=True)
class BDRate:
    """Mean difference in rate, and the range of quality that it is the mean over."""

    percent: float
    """Negative: smaller files than the anchor's."""
    low: float
    """In dB, of MS-SSIM too."""
    high: float
    metric: Metric
    method: Method


def bd_rate(
    anchor: Sequence[Point],
    points: Sequence[Point],
    method: Method = "pchip",
    metric: Metric = "psnr",
) -> BDRate:
    """The rate of `points` relative to `anchor`, over the quality that both reach.

    "pchip" follows the points; "cubic" fits one polynomial, as the original proposal does. Raises
    ConfigError where there are too few points, or too little in common.
    """
    curves = [_curve(p, metric, method) for p in (anchor, points)]
    low, high = _common([quality for _, quality in curves], metric)
    percent = _delta(bjontegaard.bd_rate, curves, method)
    return BDRate(percent, low, high, metric, method)


def bd_psnr(
    anchor: Sequence[Point],
    points: Sequence[Point],
    method: Method = "pchip",
    metric: Metric = "psnr",
) -> float:
    """Mean gain in dB of `points` over `anchor`, over the rates that both reach.

    Raises ConfigError where there are too few points, or too little in common.
    """
    curves = [_curve(p, metric, method) for p in (anchor, points)]
    _common([[math.log(rate) for rate in rates] for rates, _ in curves], "rate")
    return _delta(bjontegaard.bd_psnr, curves, method)


def quality(point: Point, metric: Metric) -> float | None:
    """PSNR, or MS-SSIM in dB; None where it is not known."""
    if metric == "psnr":
        return point.psnr
    return None if point.ms_ssim is None else decibels(point.ms_ssim)


def _delta(measure: Any, curves: list[tuple[list[float], list[float]]], method: Method) -> float:
    (anchor_rates, anchor_quality), (rates, quality) = curves
    options: Any = {"method": method, "require_matching_points": False, "min_overlap": 0}
    return float(measure(anchor_rates, anchor_quality, rates, quality, **options))


def _common(ranges: list[list[float]], metric: str) -> tuple[float, float]:
    """The range in common of two ascending lists; ConfigError if it is too narrow."""
    low, high = max(r[0] for r in ranges), min(r[-1] for r in ranges)
    narrower = min(r[-1] - r[0] for r in ranges)
    if high - low < MIN_OVERLAP * narrower:
        share = max(0, round(100 * (high - low) / narrower))
        raise ConfigError(f"the curves have too little {metric} in common ({share} %)")
    return low, high


def _curve(
    points: Sequence[Point], metric: Metric, method: Method
) -> tuple[list[float], list[float]]:
    """Rates and qualities, ascending; ConfigError if they are no curve to interpolate."""
    pairs = sorted((point.bpp, quality(point, metric)) for point in points)
    if len(pairs) < _POINTS_NEEDED[method]:
        raise ConfigError(f"BD-rate by {method} needs {_POINTS_NEEDED[method]} points a curve")
    rates, values = [rate for rate, _ in pairs], [value for _, value in pairs if value is not None]
    if len(values) < len(rates):
        raise ConfigError(f"a point has no {metric}")
    if not all(map(math.isfinite, values)) or rates[0] <= 0:
        raise ConfigError("BD-rate needs points of finite quality and positive rate")
    if not all(a < b for a, b in pairwise(values)):
        raise ConfigError(f"BD-rate needs points whose {metric} rises with the rate")
    return rates, values
