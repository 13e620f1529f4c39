"""What each slot of the transformer's sequence carries, predicts and may see.

MT and M2T are the same network over different slots:

- MT (paper 3.5): slot p carries token p if it is known, else the mask token, and predicts token p.
  Every slot sees every other.
- M2T (paper 3.6, Fig. 2): slots stand in coding order. Those of group i carry the tokens of group
  i-1, filled up with mask tokens, predict the tokens of group i, and see groups 1..i.
"""

import functools
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..config import ScheduleConfig
from ..schedule import Schedule, build


class Slots(NamedTuple):
    """Indices are raster positions in the window; N (none: nothing known) stands for "no token"."""

    source: Tensor
    """(n,) or (B, n) int64: the token that each slot carries, or N for the mask token."""
    target: Tensor
    """(n,) int64: the token that each slot predicts."""
    position: Tensor
    """(n,) int64: the target's place in the table of positions, which is as large as any window."""
    source_position: Tensor
    """As `source`, in the table of positions; the target's place for mask tokens."""
    neighbours: Tensor
    """(n, 8) or (B, n, 8) int64: the target's neighbours in raster order, N where not known."""
    mask: Tensor | None
    """(n, n) bool, true where a slot (row) may look at another; None: everywhere."""

    def part(self, where: slice) -> "Slots":
        """The slots of one group, without the mask, for decoding with a cache."""
        s = [t[where] for t in (self.source, self.target, self.position, self.source_position)]
        return Slots(*s, neighbours=self.neighbours[where], mask=None)


class Read(NamedTuple):
    """What the slots of a window carry and see, taken from its tokens."""

    carried: Tensor
    """(B, n, C): the token of each slot, or the mask token."""
    masked: Tensor
    """(n,) or (B, n) bool: it is the mask token."""
    around: Tensor
    """(B, n, 8 C): the neighbours of each slot's target, zeros where not known."""
    known: Tensor
    """(n, 8) or (B, n, 8) bool: they are known."""


def read_slots(tokens: Tensor, mask_token: Tensor, slots: Slots) -> Read:
    """Fill slots from tokens (B, N, C) in raster order; what is not known is never read."""
    n, device = tokens.shape[1], tokens.device
    source, around = slots.source.to(device), slots.neighbours.to(device)
    extra = torch.stack((mask_token.to(tokens), torch.zeros_like(tokens[0, 0])))
    tokens = torch.cat((tokens, extra.expand(len(tokens), -1, -1)), dim=1)
    known = around < n
    seen = _gather(tokens, torch.where(known, around, n + 1).flatten(-2))
    seen = seen.unflatten(1, around.shape[-2:]).flatten(-2)
    return Read(_gather(tokens, source), source == n, seen, known)


def _gather(tokens: Tensor, index: Tensor) -> Tensor:
    """tokens (B, N, C) at index (n,) or (B, n) -> (B, n, C)."""
    if index.ndim == 1:
        return tokens[:, index]
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))


@functools.lru_cache(maxsize=256)
@torch.inference_mode(False)  # or a cached tensor could not take part in training later
def _neighbours(height: int, width: int) -> Tensor:
    """(N, 8) raster indices of each token's neighbours, N beyond the window's edge."""
    index = np.full((height + 2, width + 2), height * width)
    index[1:-1, 1:-1] = np.arange(height * width).reshape(height, width)
    shifts = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    views = [index[i : i + height, j : j + width].reshape(-1) for i, j in shifts]
    return torch.from_numpy(np.stack(views, axis=1))


def _positions(height: int, width: int, window: int) -> Tensor:
    """(N + 1,) raster index in the window -> index in a table of window x window positions."""
    rows, columns = torch.arange(height), torch.arange(width)
    table = (rows[:, None] * window + columns).reshape(-1)
    return torch.cat((table, torch.zeros(1, dtype=table.dtype)))


@functools.lru_cache(maxsize=256)
@torch.inference_mode(False)
def m2t_slots(config: ScheduleConfig, height: int, width: int, window: int) -> Slots:
    """The slots of a masked-twice window; they depend on nothing but its shape."""
    schedule: Schedule = build(config, height, width)
    num_tokens = height * width
    target = torch.from_numpy(schedule.order.copy())
    source = torch.full((num_tokens,), num_tokens)
    parts = schedule.slices
    for before, here in pairwise(parts):
        group = target[before]
        source[here.start : here.start + len(group)] = group

    group_of = torch.from_numpy(schedule.group_of)
    neighbours = _neighbours(height, width)[target]
    # A neighbour is known if its group comes before the target's; beyond the edge, never.
    rank = torch.cat((group_of, torch.tensor([num_tokens])))
    known = rank[neighbours] < group_of[target][:, None]
    neighbours = torch.where(known, neighbours, num_tokens)

    group = group_of[target]
    place = _positions(height, width, window)
    source_position = torch.where(source < num_tokens, place[source], place[target])
    mask = group[None, :] <= group[:, None]
    return Slots(source, target, place[target], source_position, neighbours, mask)


def mt_slots(known: Tensor, height: int, width: int, window: int) -> Slots:
    """The slots of a window masked at the input.

    Args:
        known: (B, N) bool, raster order: the tokens that the decoder has already.
    """
    num_tokens = height * width
    target = torch.arange(num_tokens)
    source = torch.where(known.cpu(), target, num_tokens)
    seen = torch.cat((known.cpu(), torch.zeros(len(known), 1, dtype=torch.bool)), dim=1)
    grid = _neighbours(height, width)
    neighbours = torch.where(seen[:, grid], grid, num_tokens)
    place = _positions(height, width, window)[:-1]
    return Slots(source, target, place, place.expand(source.shape), neighbours, None)
