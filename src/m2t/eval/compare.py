"""One codec against all others: the Bjøntegaard deltas of its result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ..errors import ConfigError
from .bdrate import BDRate, Method, Metric, bd_psnr, bd_rate
from .results import Point, Result, mean_points


@dataclass(frozen=True)
class Comparison(BDRate):
    """With one other codec."""

    anchor: str
    """The other's name, and what to call it."""
    codec: str
    gain: float | None
    """BD-PSNR in dB (of MS-SSIM, if that is the metric); None where rates overlap too little."""


def comparisons(points: Sequence[Point], anchors: Mapping[str, Result]) -> list[Comparison]:
    """By every metric and method, with those that have enough of a range in common."""
    found = []
    for name, anchor in anchors.items():
        theirs = anchor.curve.points
        for metric in get_args(Metric):
            for method in get_args(Method):
                try:
                    rate = bd_rate(theirs, points, method, metric)
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
                        _gain(theirs, points, method, metric),
                    )
                )
    return found


def _gain(
    theirs: Sequence[Point], points: Sequence[Point], method: Method, metric: Metric
) -> float | None:
    try:
        return round(bd_psnr(theirs, points, method, metric), 4)
    except ConfigError:
        return None


def image_rate(ours: Result, theirs: Result, image: str) -> float | None:
    """BD-rate in percent on one image; None where it cannot be had."""
    anchor, points = (
        mean_points([row for row in result.rows if row.image == image]) for result in (theirs, ours)
    )
    try:
        return bd_rate(anchor, points).percent
    except ConfigError:
        return None
