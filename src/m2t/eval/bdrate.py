"""Bjøntegaard's deltas: the mean difference in size at equal quality, in quality at equal size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import bjontegaard

from ..errors import ConfigError
from .judges import METRICS, MetricName
from .results import Point

Method = Literal["pchip", "cubic"]
_POINTS_NEEDED: dict[Method, int] = {"pchip": 2, "cubic": 4}
MIN_OVERLAP = 0.5
"""Of the narrower curve's range: below that, a mean says little of either codec."""


@dataclass(frozen=True)
class BDRate:
    """Mean difference in rate, and the range of quality that it is the mean over."""

    percent: float
    """Negative: smaller files than the anchor's."""
    low: float
    """On the metric's axis: in dB, but for SSIMULACRA2."""
    high: float
    metric: MetricName
    method: Method
    floor: float | None = field(default=None, kw_only=True)
    """The quality that both curves were cut at, where they were."""


def bd_rate(
    anchor: Sequence[Point],
    points: Sequence[Point],
    method: Method = "pchip",
    metric: MetricName = "psnr",
    floor: float | None = None,
) -> BDRate:
    """The rate of `points` relative to `anchor`, over the quality that both reach.

    "pchip" follows the points; "cubic" fits one polynomial, as the original proposal does. With
    `floor`, on the metric's axis, only what the curves have above it counts. Raises ConfigError
    where there are too few points, or too little in common.
    """
    curves = [_curve(p, metric, method) for p in (anchor, points)]
    low, high = _common([quality for _, quality in curves], METRICS[metric].axis_label, floor)
    _, *interpolators = _delta(bjontegaard.bd_rate, curves, method, interpolators=True)
    theirs, ours = (float(log_rate.integrate(low, high)) for log_rate in interpolators)
    percent = 100 * (10 ** ((ours - theirs) / (high - low)) - 1)
    return BDRate(percent, low, high, metric, method, floor=floor)


def bd_psnr(
    anchor: Sequence[Point],
    points: Sequence[Point],
    method: Method = "pchip",
    metric: MetricName = "psnr",
) -> float:
    """Mean gain of `points` over `anchor` on the metric's axis, over the rates that both reach.

    Raises ConfigError where there are too few points, or too little in common.
    """
    curves = [_curve(p, metric, method) for p in (anchor, points)]
    _common([[math.log(rate) for rate in rates] for rates, _ in curves], "rate")
    return float(_delta(bjontegaard.bd_psnr, curves, method))


def quality(point: Point, metric: MetricName) -> float | None:
    """A point's place on the metric's axis, which rises with quality; None if it is not known."""
    value = getattr(point, metric)
    return None if value is None else METRICS[metric].axis(value)


def _delta(
    measure: Any, curves: list[tuple[list[float], list[float]]], method: Method, **more: Any
) -> Any:
    (anchor_rates, anchor_quality), (rates, quality) = curves
    options: Any = {"method": method, "require_matching_points": False, "min_overlap": 0, **more}
    return measure(anchor_rates, anchor_quality, rates, quality, **options)


def _common(
    ranges: list[list[float]], name: str, floor: float | None = None
) -> tuple[float, float]:
    """The range in common of two ascending lists; ConfigError if it is too narrow."""
    lowest = -math.inf if floor is None else floor
    starts, ends = [max(r[0], lowest) for r in ranges], [r[-1] for r in ranges]
    low, high = max(starts), min(ends)
    narrower = min(end - start for start, end in zip(starts, ends, strict=True))
    if high <= low or high - low < MIN_OVERLAP * narrower:
        above = "" if floor is None else f" above {floor:g}"
        raise ConfigError(f"the curves have too little {name} in common{above}")
    return low, high


def _curve(
    points: Sequence[Point], metric: MetricName, method: Method
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
