"""From a target to a setting: a dial finer than quality, and few trials along it.

Neighbouring qualities are 3 to 4 % of the size apart. In between, latents move towards zero by a
*dead zone* before they are rounded, which saves bits for about as much error as a lower quality
does, and decoders do not notice. What tokens take rises smoothly along both, and so does all that
can be asked for. How much they would take is guessed by their *activity*, which costs no pass of
the entropy network: the ratio of the two hardly changes from a setting to one nearby.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..config import QUALITIES
from ..geometry.windows import Latents

BITS_PER_ACTIVITY = 2.7
"""Of `light`, within a tenth on most pictures; where search starts."""
ZONE_STEPS, ZONE_UNITS = 256, 2048
"""Dead zones: that many, in units of 1/2048 of a quantiser step. 0.02 to 0.04 is a quality."""
LARGEST = 4095
"""Magnitudes from here on count alike."""
PROBES = 2
NEAR = 0.03
"""Of the activity: nearer than this, trials follow the probes."""
FAR = 0.02
"""Of the activity: levels that lie nearer say little of the slope between them."""

Result = TypeVar("Result")


class Setting(NamedTuple):
    """Of the finer dial."""

    quality: int
    dead_zone: float = 0.0
    """In quantiser steps."""


class FineDial:
    """Settings in the order of what their tokens take."""

    def __init__(self, rounded: Callable[[Setting], Latents], zone_share: float = 1.0) -> None:
        """`rounded` gives some of a picture's tokens at a setting, always the same ones;
        `zone_share` says how much of what a dead zone does the moves of the encoder leave."""
        self.rounded, self.zone_share = rounded, zone_share
        self.activity = cache(self._activity)
        """Of these tokens, by setting."""

    def _activity(self, setting: Setting) -> float:
        found = activity(self.rounded(setting))
        if not setting.dead_zone:
            return found
        whole = self.activity(Setting(setting.quality))
        return max(whole - self.zone_share * (whole - found), 1)

    def setting(self, wanted: float) -> Setting:
        """That of the activity nearest below, or the first or last there is."""
        place = bisect_left(QUALITIES, wanted, key=lambda q: self.activity(Setting(q)))
        quality = QUALITIES[min(place, len(QUALITIES) - 1)]
        if quality == QUALITIES[0]:
            return Setting(quality)
        zones = [Setting(quality, i / ZONE_UNITS) for i in range(ZONE_STEPS)]
        place = bisect_left(zones, -wanted, key=lambda setting: -self.activity(setting))
        return zones[min(place, ZONE_STEPS - 1)]


def activity(tokens: Latents) -> int:
    """About the bits of tokens, over BITS_PER_ACTIVITY: a sum of integers, alike everywhere."""
    return max(1, int(_weights()[np.minimum(np.abs(tokens), LARGEST)].sum()) >> 10)


@cache
def _weights() -> NDArray[np.int64]:
    """log2(1 + magnitude) in 1/1024, rounded so that no libm differs."""
    return np.array([round(1024 * math.log2(1 + size)) for size in range(LARGEST + 1)])


class Goal(NamedTuple):
    """What is wanted of a level: something that rises with the activity."""

    low: float
    high: float
    slope: float
    """By how much a level rises per unit of the activity's logarithm, about."""
    is_limit: bool
    """Levels above `high` do not fit; otherwise, those below `low` do not."""

    @property
    def middle(self) -> float:
        """Where trials aim at."""
        return (self.low + self.high) / 2

    def met(self, level: float) -> bool:
        """Whether the level is what is wanted."""
        return self.low <= level <= self.high

    def fits(self, level: float) -> bool:
        """Whether the level is on the right side."""
        return level <= self.high if self.is_limit else level >= self.low


class Tried(NamedTuple, Generic[Result]):
    """A level that was found, and what has it."""

    level: float
    result: Result


class Search(Generic[Result]):
    """Of one picture, for one goal."""

    def __init__(self, goal: Goal, dial: FineDial, start: float) -> None:
        """`start` is the activity to try first."""
        self.goal, self.dial = goal, dial
        self.next, self.slope = start, goal.slope

    def probe(self, level: Callable[[Setting], float]) -> None:
        """Come near by levels that cost less to find than those of trials, and are almost right."""
        before = None
        for _ in range(PROBES):
            setting = self.dial.setting(self.next)
            at = self.dial.activity(setting)
            before = self._move(at, level(setting), before)
            if abs(math.log(self.next / at)) < NEAR:
                return

    def run(self, trial: Callable[[Setting], Tried[Result]], most: int) -> tuple[bool, Result]:
        """The trial that meets the goal, or the best of `most` of them, or of as many as it takes
        until one fits; and whether it fits."""
        seen: set[Setting] = set()
        best: Tried[Result] | None = None
        before = None
        while True:
            setting = self.dial.setting(self.next)
            while setting in seen and not self._is_last(setting):
                self.next *= 0.995 if self.goal.is_limit else 1 / 0.995
                setting = self.dial.setting(self.next)
            if best and (setting in seen or len(seen) >= most):
                return True, best.result
            tried = trial(setting)
            seen.add(setting)
            if self.goal.fits(tried.level):
                if best is None or self._is_nearer(tried.level, best.level):
                    best = tried
                if self.goal.met(tried.level):
                    return True, tried.result
            elif self._is_last(setting):
                return (True, best.result) if best else (False, tried.result)
            # Each that was tried in vain makes the next more cautious.
            caution = 0 if best else len(seen) * (self.goal.high - self.goal.low) / 8
            before = self._move(self.dial.activity(setting), tried.level, before, caution)

    def _move(
        self, at: float, level: float, before: tuple[float, float] | None, caution: float = 0.0
    ) -> tuple[float, float]:
        """Say where to look next, of the level at an activity and of that before it, if any."""
        if before and abs(math.log(at / before[0])) > FAR:
            slope = (level - before[1]) / math.log(at / before[0])
            self.slope = min(max(slope, self.goal.slope / 4), self.goal.slope * 4)
        middle = self.goal.middle - (caution if self.goal.is_limit else -caution)
        self.next = at * math.exp(min(max((middle - level) / self.slope, -3), 3))
        return at, level

    def _is_last(self, setting: Setting) -> bool:
        """Whether no setting fits better."""
        if self.goal.is_limit:
            return setting.quality == QUALITIES[0]
        return setting == Setting(QUALITIES[-1])

    def _is_nearer(self, level: float, other: float) -> bool:
        return level > other if self.goal.is_limit else level < other
