"""The dial: what a picture is coded for, and which lambda that is."""

import itertools
import math
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .options import LATER, check

QUALITIES = range(1, 101)
LMBDAS = (1e-9, 1e9)
LARGEST_T = 2
"""In magnitude: dials end there."""
Tune = Literal["psnr", "eye"]
"""What a picture is coded for: least squared error, or looking right."""
TUNES: tuple[Tune, ...] = typing.get_args(Tune)
"""By their number in files; append only."""


class Aim(NamedTuple):
    """What a picture is coded for: one setting of the dial."""

    quality: int = 50
    """1 (smallest) to 100 (best)."""
    tune: Tune = "psnr"


@dataclass(frozen=True)
class RateConfig:
    """The range of rates that one model serves: loss = bpp + lmbda * MSE (255 scale)."""

    lmbda_min: float = 0.0005
    """At t = -1."""
    lmbda_max: float = 0.08
    """At t = 1."""
    psnr: tuple[tuple[float, float], ...] = field(default=(), metadata=LATER)
    """Dial of the tune "psnr", as `eye`; empty: t from -1 to 1."""
    eye: tuple[tuple[float, float], ...] = field(default=(), metadata=LATER)
    """Dial of the tune "eye": pairs of a quality and its t, from quality 1 to 100, linear in
    between. None: the model has no such tune."""
    eye_strength: float = field(default=1.0, metadata=LATER)
    """The networks' second input with the tune "eye": trained at 1, interpolated elsewhere."""

    def __post_init__(self) -> None:
        check(self.lmbda_min <= self.lmbda_max, "lmbda_min must be at most lmbda_max")
        least, most = LMBDAS
        inside = least <= self.lmbda_min and self.lmbda_max <= most
        check(inside, f"lmbda_min and lmbda_max must be in {least:g}..{most:g}")
        _check_dial("psnr", self.psnr)
        _check_dial("eye", self.eye)
        check(abs(self.eye_strength) <= 2, "eye_strength must be in -2..2")

    @property
    def lmbda_mid(self) -> float:
        """Geometric middle of the range, where the gains are 1."""
        return math.sqrt(self.lmbda_min * self.lmbda_max)

    @property
    def half_range(self) -> float:
        """log(lmbda_max / lmbda_mid); 1 where there is a single lambda."""
        return math.log(self.lmbda_max / self.lmbda_mid) or 1.0

    @property
    def tunes(self) -> tuple[Tune, ...]:
        """What the model can be asked for, in the order of their numbers in files."""
        return TUNES if self.eye else TUNES[:1]

    @property
    def default_tune(self) -> Tune:
        """For the eye, where the model can."""
        return self.tunes[-1]

    def t(self, aim: Aim) -> tuple[float, float]:
        """An aim as the networks take it: log lambda, about -1 to 1, and the tune, 0 or 1."""
        self.check(aim)
        if aim.tune == "eye":
            return _interpolated(self.eye, aim.quality), self.eye_strength
        if self.psnr:
            return _interpolated(self.psnr, aim.quality), 0.0
        if self.lmbda_min == self.lmbda_max:
            return 0.0, 0.0
        return 2 * (aim.quality - 1) / 99 - 1, 0.0

    def ends(self, tune: Tune) -> tuple[float, float]:
        """The t of a tune's lowest quality and of its highest."""
        dial = self.eye if tune == "eye" else self.psnr
        return (dial[0][1], dial[-1][1]) if dial else (-1.0, 1.0)

    def lmbda(self, aim: Aim) -> float:
        """Lambda of an aim: without a dial, geometric from lmbda_min (1) to lmbda_max (100)."""
        self.check(aim)
        if aim.tune == "eye" or self.psnr:
            return self.lmbda_mid * math.exp(self.half_range * self.t(aim)[0])
        return self.lmbda_min * (self.lmbda_max / self.lmbda_min) ** ((aim.quality - 1) / 99)

    def aims(self) -> list[Aim]:
        """All that the model can be asked for, in the order of `row`."""
        return [Aim(quality, tune) for tune in self.tunes for quality in QUALITIES]

    def row(self, aim: Aim) -> int:
        """Where an aim stands in tables with an entry for each."""
        return self.tunes.index(aim.tune) * len(QUALITIES) + aim.quality - 1

    def check(self, aim: Aim) -> None:
        """Raise ConfigError unless the model can be asked for this."""
        check(aim.quality in QUALITIES, f"quality must be in 1..100, not {aim.quality}")
        check(aim.tune in TUNES, f"tune must be one of {', '.join(TUNES)}, not {aim.tune}")
        check(aim.tune in self.tunes, f"this model has no tune {aim.tune}")


def _check_dial(name: str, dial: Sequence[tuple[float, float]]) -> None:
    if not dial:
        return
    check(all(len(knot) == 2 for knot in dial), f"{name} must be pairs of quality and t")
    qualities, ts = zip(*dial, strict=True)
    ends = qualities[0] == QUALITIES[0] and qualities[-1] == QUALITIES[-1]
    check(ends, f"{name} must go from quality 1 to 100")
    ascending = all(_ascending(values) for values in (qualities, ts))
    inside = max(map(abs, ts)) <= LARGEST_T
    check(ascending and inside, f"{name} must ascend, with t in -{LARGEST_T}..{LARGEST_T}")


def _ascending(values: Sequence[float]) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))


def _interpolated(knots: Sequence[tuple[float, float]], x: float) -> float:
    """At x, on the lines between knots (x, y)."""
    after = next(i for i, (end, _) in enumerate(knots) if x <= end)
    (x0, y0), (x1, y1) = knots[max(after, 1) - 1], knots[max(after, 1)]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
