"""What each slot of the transformer's sequence carries, predicts and may see.

MT and M2T are the same network over different slots:

- MT (paper 3.5): slot p carries token p if it is known, else the mask token, and predicts token p.
  Every slot sees every other.
- M2T (paper 3.6, Fig. 2): slots stand in coding order. Those of group i carry the tokens of group
  i-1, filled up with mask tokens, predict the tokens of group i, and see groups 1..i.
"""

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..config import ScheduleConfig
from ..geometry.schedule import Schedule, build

NONE = -1
"""Stands for "no token": not known, or beyond the window's edge."""

Indices = NDArray[np.int64]


class Slots(NamedTuple):
    """Tokens are named by their raster position in the window."""

    source: Indices
    """(n,) or (B, n): the token that each slot carries, or NONE for the mask token."""
    target: Indices
    """(n,): the token that each slot predicts."""
    position: Indices
    """(n,): the target's place in the table of positions, which is as large as any window."""
    source_position: Indices
    """As `source`, in the table of positions; the target's place for mask tokens."""
    neighbours: Indices
    """(n, 8) or (B, n, 8): the target's neighbours in raster order, NONE where not known."""
    limit: Indices
    """(n,): how many of the window's slots each sees, from the first one on; these ascend."""

    def part(self, where: slice) -> "Slots":
        """Some of the slots."""
        return Slots(*(array[where] for array in self))

    def shifted(self, by: int) -> "Slots":
        """The same, where the window's first token has the number `by`."""
        source, around = self.source, self.neighbours
        return self._replace(
            source=np.where(source == NONE, NONE, source + by),
            target=self.target + by,
            neighbours=np.where(around == NONE, NONE, around + by),
        )


def joined(parts: Sequence[Slots]) -> Slots:
    """The slots of several windows behind each other."""
    return Slots(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


@functools.lru_cache(maxsize=256)
def _neighbours(height: int, width: int) -> Indices:
    """(N, 8) raster indices of each token's neighbours, NONE beyond the window's edge."""
    index = np.full((height + 2, width + 2), NONE)
    index[1:-1, 1:-1] = np.arange(height * width).reshape(height, width)
    shifts = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    views = [index[i : i + height, j : j + width].reshape(-1) for i, j in shifts]
    return np.stack(views, axis=1)


def _positions(height: int, width: int, window: int) -> Indices:
    """(N,) raster index in the window -> index in a table of window x window positions."""
    return (np.arange(height)[:, None] * window + np.arange(width)).reshape(-1)


@functools.lru_cache(maxsize=256)
def m2t_slots(
    config: ScheduleConfig, height: int, width: int, window: int, num_known: int | None = None
) -> Slots:
    """The slots of a masked-twice window; they depend on nothing but its shape.

    With `num_known`, all that follows so many groups is one group: predicted from those alone.
    """
    schedule: Schedule = build(config, height, width)
    if num_known is not None:
        schedule = schedule.merged(num_known)
    target, group_of = schedule.order.copy(), schedule.group_of
    source, limit = np.full(height * width, NONE), np.empty(height * width, np.int64)
    for part in schedule.slices:
        limit[part] = part.stop
    for before, here in pairwise(schedule.slices):
        group = target[before]
        source[here.start : here.start + len(group)] = group

    around = _neighbours(height, width)[target]
    # A neighbour is known if its group comes before the target's; beyond the edge, never.
    known = (around != NONE) & (group_of[around] < group_of[target][:, None])
    place = _positions(height, width, window)
    return Slots(
        source=source,
        target=target,
        position=place[target],
        source_position=np.where(source == NONE, place[target], place[source]),
        neighbours=np.where(known, around, NONE),
        limit=limit,
    )


def mt_slots(known: NDArray[np.bool_], height: int, width: int, window: int) -> Slots:
    """The slots of a window masked at the input.

    Args:
        known: (N,) or (B, N), raster order: the tokens that the decoder has already.
    """
    num_tokens = height * width
    target = np.arange(num_tokens)
    around = _neighbours(height, width)
    seen = (around != NONE) & known[..., around]
    place = _positions(height, width, window)
    source = np.where(known, target, NONE)
    return Slots(
        source=source,
        target=target,
        position=place,
        source_position=np.broadcast_to(place, source.shape).copy(),
        neighbours=np.where(seen, around, NONE),
        limit=np.full(num_tokens, num_tokens),
    )
