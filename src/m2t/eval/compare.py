"""One codec against all others: the Bjøntegaard deltas of its result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ..errors import ConfigError
from .bdrate import BDRate, Method, bd_psnr, bd_rate
from .judges import METRICS, MetricName
from .results import Point, Result, mean_points

COMPARED: list[tuple[MetricName, float | None]] = [(name, None) for name in METRICS]
"""Metric and floor of each BD-rate, in the order of tables."""
# Few people would keep a picture of less than 40: what codecs do above that counts by itself.
COMPARED.insert(1, ("ssimulacra2", 40.0))


@dataclass(frozen=True)
class Comparison(BDRate):
    """With one other codec."""

    anchor: str
    """The other's name, and what to call it."""
    codec: str
    gain: float | None
    """BD-PSNR, on the metric's axis; None where rates overlap too little, or with a floor."""


def comparisons(points: Sequence[Point], anchors: Mapping[str, Result]) -> list[Comparison]:
    """By every metric and method, with those that have enough of a range in common."""
    found = []
    for name, anchor in anchors.items():
        theirs = anchor.curve.points
        for metric, floor in COMPARED:
            for method in get_args(Method):
                try:
                    rate = bd_rate(theirs, points, method, metric, floor)
                except ConfigError:
                    continue
                found.append(
                    Comparison(
                        round(rate.percent, 3),
                        round(rate.low, 4),
                        round(rate.high, 4),
                        metric,
                        method,
                        name,
                        anchor.curve.codec,
                        _gain(theirs, points, method, metric) if floor is None else None,
                        floor=floor,
                    )
                )
    return found


def _gain(
    theirs: Sequence[Point], points: Sequence[Point], method: Method, metric: MetricName
) -> float | None:
    try:
        return round(bd_psnr(theirs, points, method, metric), 4)
    except ConfigError:
        return None


def image_rate(ours: Result, theirs: Result, image: str, metric: MetricName) -> float | None:
    """BD-rate in percent on one image; None where it cannot be had."""
    anchor, points = (
        mean_points([row for row in result.rows if row.image == image]) for result in (theirs, ours)
    )
    try:
        return bd_rate(anchor, points, metric=metric).percent
    except ConfigError:
        return None
