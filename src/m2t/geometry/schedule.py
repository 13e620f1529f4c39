"""In which order, and in which groups, the tokens of a window are coded (paper 3.4).

Fully parallel decoding is a schedule of one group, fully autoregressive decoding one of as many
groups as tokens. Everything here is exact integer arithmetic, so that every machine agrees.
"""

import functools
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..config import ScheduleConfig
from ..errors import ConfigError

# Roberts' R2 sequence: multiples of 1/g and 1/g^2 modulo 1, where g = 1.3247179572... is the real
# root of g^3 = g + 1, the "generalised golden ratio"; here in units of 2^-64.
_ONE = 1 << 64
_R2_ROW = 13925035116211876495  # floor(2^64 / g)
_R2_COLUMN = 10511698010929265436  # floor(2^64 / g^2)


@dataclass(frozen=True, eq=False)
class Schedule:
    """The groups of one window of `height` x `width` tokens."""

    height: int
    width: int
    order: np.ndarray
    """(N,) int64: raster indices of the tokens, in coding order."""
    ends: tuple[int, ...]
    """Group i is order[ends[i-1] : ends[i]]; the last end is N."""

    @property
    def slices(self) -> list[slice]:
        """Where each group lies in `order`."""
        return [slice(a, b) for a, b in zip((0, *self.ends[:-1]), self.ends, strict=True)]

    def part(self, group: int) -> slice:
        """Where a group lies in `order`; nowhere, for groups after the last."""
        ends = (0, *self.ends, self.ends[-1])
        group = min(group, len(self.ends))
        return slice(ends[group], ends[group + 1])

    def merged(self, num_groups: int) -> "Schedule":
        """The same with all that follows so many groups as one group."""
        if num_groups >= len(self.ends):
            return self
        ends = (*self.ends[:num_groups], self.ends[-1])
        return Schedule(self.height, self.width, self.order, ends)

    @property
    def group_of(self) -> np.ndarray:
        """(N,) int64: the group in which the token at each raster index is coded."""
        groups = np.empty(len(self.order), np.int64)
        for i, part in enumerate(self.slices):
            groups[self.order[part]] = i
        return groups


def group_sizes(num_tokens: int, steps: int, alpha: float) -> tuple[int, ...]:
    """Sizes of the groups: cumulatively N (i/S)^alpha, rounded half up (paper 3.4).

    Groups that round to nothing are left out, and sizes ascend, as M2T's input layout needs.
    """
    tenths = round(alpha * 10)
    whole = steps**tenths
    ends = {0: 0, steps: num_tokens}

    def fill(first: int, last: int) -> None:
        """The ends between two others; none where those are equal, so that steps may be many."""
        if last - first > 1 and ends[first] < ends[last]:
            middle = (first + last) // 2
            ends[middle] = _root((2 * num_tokens) ** 10 * middle**tenths // whole)
            fill(first, middle)
            fill(middle, last)

    fill(0, steps)
    sizes = (b - a for a, b in pairwise(ends[i] for i in sorted(ends)))
    return tuple(sorted(size for size in sizes if size > 0))


def _root(power: int) -> int:
    """The largest k with (2 k - 1)^10 <= power, or 0.

    k - 1/2 <= n (i/steps)^(tenths/10)  <=>  (2k-1)^10 <= (2n)^10 i^tenths / steps^tenths
    """
    low, high = 0, 1 << power.bit_length() // 10 + 1
    while low < high:
        k = (low + high + 1) // 2
        if (2 * k - 1) ** 10 <= power:
            low = k
        else:
            high = k - 1
    return low


def qlds_order(height: int, width: int) -> np.ndarray:
    """Quantised low-discrepancy order: (N,) raster indices.

    Point n of the sequence, s0 = 1/2 and n from 1, falls into a cell; cells seen are skipped.
    Any prefix of the order covers the window evenly.
    """
    seen: dict[int, None] = {}  # keeps the order of insertion
    row = column = _ONE // 2
    while len(seen) < height * width:
        row, column = (row + _R2_ROW) % _ONE, (column + _R2_COLUMN) % _ONE
        seen[(row * height // _ONE) * width + column * width // _ONE] = None
    return np.fromiter(seen, np.int64)


def random_order(num_tokens: int, seed: int) -> np.ndarray:
    """A permutation drawn from SplitMix64, by sorting: the same on every machine and version."""
    mask = _ONE - 1
    keys = []
    state = seed
    for _ in range(num_tokens):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        keys.append(z ^ (z >> 31))
    return np.array(sorted(range(num_tokens), key=keys.__getitem__), np.int64)


@functools.lru_cache(maxsize=256)
def build(config: ScheduleConfig, height: int, width: int) -> Schedule:
    """The schedule of a window of `height` x `width` tokens.

    For the entropy order, which depends on the image, `order` is the raster order and only the
    group sizes count; predict/predictor.py chooses the tokens.
    """
    if height < 1 or width < 1:
        raise ConfigError(f"a window needs tokens, not {height}x{width}")
    num_tokens = height * width
    if config.order == "qlds":
        order = qlds_order(height, width)
    elif config.order == "random":
        order = random_order(num_tokens, config.seed)
    else:
        order = np.arange(num_tokens)
    order.flags.writeable = False
    sizes = group_sizes(num_tokens, config.steps, config.alpha)
    return Schedule(height, width, order, tuple(np.cumsum(sizes).tolist()))
