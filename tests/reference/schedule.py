"""Windows of a picture, and the order in which the tokens of a window are coded.

docs/format.md, "Geometry" and "Schedule"; integers only.
"""

import itertools
from typing import NamedTuple

MASK = 2**64 - 1
TOKEN = 16
"""Pixels of a token's side."""


class Window(NamedTuple):
    """A block of tokens that is coded alone."""

    top: int
    left: int
    height: int
    width: int


def num_tokens(num_pixels: int) -> int:
    """Tokens that cover a side of a picture."""
    return -(-num_pixels // TOKEN)


def parts(length: int, largest: int) -> list[tuple[int, int]]:
    """(start, size) of the parts of a side: sizes differ by at most one, larger ones first."""
    num = -(-length // largest)
    sizes = [length // num + (i < length % num) for i in range(num)]
    return [(sum(sizes[:i]), size) for i, size in enumerate(sizes)]


def windows(height: int, width: int, largest: int) -> list[Window]:
    """The windows of height x width tokens, in raster order."""
    return [
        Window(top, left, rows, columns)
        for top, rows in parts(height, largest)
        for left, columns in parts(width, largest)
    ]


def group_sizes(num: int, steps: int, alpha: int) -> list[int]:
    """Tokens in each group, in ascending order; the sum is `num`."""
    ends = []
    for i in range(steps + 1):
        bound = (2 * num) ** 10 * i**alpha
        low, high = 0, num  # the largest k of which the inequality holds, or 0
        while low < high:
            k = (low + high + 1) // 2
            if (2 * k - 1) ** 10 * steps**alpha <= bound:
                low = k
            else:
                high = k - 1
        ends.append(low)
    return sorted(b - a for a, b in itertools.pairwise(ends) if b > a)


def order(kind: str, height: int, width: int, seed: int) -> list[int]:
    """All tokens of a window as raster indices, in a fixed order of coding."""
    if kind == "qlds":
        return qlds(height, width)
    if kind == "random":
        keys = splitmix64(seed, height * width)
        return sorted(range(height * width), key=lambda token: keys[token])
    assert kind == "raster", "the order `entropy` follows from the model"
    return list(range(height * width))


def qlds(height: int, width: int) -> list[int]:
    """Cells that a low-discrepancy sequence hits first."""
    found: dict[int, None] = {}
    n = 0
    while len(found) < height * width:
        n += 1
        r = (2**63 + n * 13925035116211876495) & MASK
        c = (2**63 + n * 10511698010929265436) & MASK
        found[(height * r >> 64) * width + (width * c >> 64)] = None
    return list(found)


def splitmix64(state: int, num: int) -> list[int]:
    """The first outputs of the generator SplitMix64."""
    found = []
    for _ in range(num):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        found.append(z ^ z >> 31)
    return found
