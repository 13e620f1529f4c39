"""What passes through the transformer: which token each slot carries, predicts and may see.

docs/decoding.md, "Slots". Tokens are named by their raster position in the window.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NONE = -1
"""No token: not known yet, or beyond the window's edge."""

Indices = NDArray[np.int64]


class Slots(NamedTuple):
    """One entry for each slot."""

    source: Indices
    """(n,) the token that the slot carries, or NONE."""
    target: Indices
    """(n,) the token that it predicts."""
    neighbours: Indices
    """(n, 8) tokens around the target in raster order, NONE where not known."""
    limit: Indices
    """(n,) how many slots it sees, from the first one on."""


def m2t_slots(order: list[int], ends: list[int], height: int, width: int) -> Slots:
    """Slots in coding order, up to the end of the last group of `ends`.

    Those of a group carry the tokens of the group before it, as far as these go.
    """
    target = np.array(order[: ends[-1]])
    source, limit = np.full(len(target), NONE), np.empty(len(target), int)
    group_of = np.full(height * width, len(ends))
    starts = [0, *ends[:-1]]
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        group_of[target[start:end]] = i
        limit[start:end] = end
        if i > 0:
            before = target[starts[i - 1] : start]
            source[start : start + len(before)] = before
    around = neighbours(height, width)[target]
    known = (around != NONE) & (group_of[around] < group_of[target][:, None])
    return Slots(source, target, np.where(known, around, NONE), limit)


def mt_slots(known: NDArray[np.bool_], height: int, width: int) -> Slots:
    """A slot for each token, in raster order: each carries its own token if that is known."""
    num = height * width
    around = neighbours(height, width)
    seen = (around != NONE) & known[around]
    source = np.where(known, np.arange(num), NONE)
    return Slots(source, np.arange(num), np.where(seen, around, NONE), np.full(num, num))


def neighbours(height: int, width: int) -> Indices:
    """(N, 8) the tokens around each token, in raster order; NONE beyond the window's edge."""
    padded = np.full((height + 2, width + 2), NONE)
    padded[1:-1, 1:-1] = np.arange(height * width).reshape(height, width)
    shifts = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    views = [padded[i : i + height, j : j + width].reshape(-1) for i, j in shifts]
    return np.stack(views, axis=1)
