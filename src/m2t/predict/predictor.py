"""Drives the entropy model group by group, for coding.py.

Windows that run together form a batch: their tokens stand behind each other, window by window,
each in raster order. The encoder runs the decoder's steps as well, so that both compute the same
mixtures; only where one pass is known to give the very same, as with integers, it takes that.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..config import Aim, ModelConfig
from ..geometry.schedule import build
from ..rans.gaussians import Mixture
from .slots import Slots, joined, m2t_slots, mt_slots

SURE_RUNG = 48
"""Scales below this rung of the coder's ladder (sigma 0.25) leave next to no entropy."""

Array = Any
"""Of the network's own kind: a NumPy array or a PyTorch tensor, the rows of all windows in one."""


Integers = NDArray[np.int32]


class Group(NamedTuple):
    """The tokens that are coded together, those of one window after those of another."""

    rows: NDArray[np.int64]
    """(n,) which tokens."""
    parts: list[slice]
    """Of `rows`: those of each window."""


class Span(NamedTuple):
    """Slots of one window among those that pass through the network together."""

    window: int
    tokens: slice
    """The window's tokens in the batch."""
    rows: slice
    """The window's slots among those that pass."""
    before: int
    """How many of the window's slots have passed already."""


class Network(Protocol):
    """What predicts mixtures: in integers (network.py), or in floats (learn/floats/network.py)."""

    name: str
    """What computes it here."""
    config: ModelConfig
    slices: list[slice]
    """Of a token's channels: predicted one after the other."""
    exact: bool
    """Its mixtures depend on nothing but the tokens: not on which windows run together, nor on
    whether all slots pass at once or in steps."""
    threads: bool
    """It runs on one core, so that batches of windows should share the cores among them."""

    def at(self, aim: Aim) -> "Network":
        """That which an aim takes: see Narrowing (weights/narrow.py)."""
        ...

    def squash(self, symbols: Integers) -> Array:
        """Token integers as the network takes them."""
        ...

    def cache(self, sizes: Sequence[int]) -> Array:
        """Room for what slots leave to later ones, for windows of so many tokens."""
        ...

    def trunk(
        self, tokens: Array, slots: Slots, spans: Sequence[Span], aim: Aim, cache: Array
    ) -> Array:
        """Tokens (N + 1, C), the last one zero -> (n, width) for n slots."""
        ...

    def prepare(self, trunk: Array) -> Array:
        """What all slices need of the trunk's output, computed once per group."""
        ...

    def mixtures(self, k: int, prepared: Array, earlier: Array, aim: Aim) -> Mixture:
        """The mixtures of slice k: rows (n, channels), channels fastest."""
        ...


class Predictor:
    """What MT and M2T share: windows filled token by token, slices of channels within a group."""

    def __init__(self, network: Network, shapes: Sequence[tuple[int, int]], aim: Aim) -> None:
        self.network, self.aim, self.shapes = network, aim, shapes
        self.slices = network.slices
        self.schedules = [build(network.config.schedule, *shape) for shape in shapes]
        self.num_groups = max(len(schedule.ends) for schedule in self.schedules)
        orders = [schedule.order for schedule in self.schedules]
        self.windows, num_tokens = slices_of(orders), sum(map(len, orders))
        self.y_hat = np.zeros((num_tokens, network.config.transform.latent_channels), np.int32)
        # As the network takes them; zero where not revealed yet, which nothing may read. The last
        # row stands for "no token".
        nothing = network.squash(np.zeros((1, self.y_hat.shape[1]), np.int32))
        self.tokens = nothing[np.zeros(num_tokens + 1, np.int64)]
        self.cache = network.cache([len(order) for order in orders])
        self.step = -1
        self.group: Group
        self.prepared: Array  # (n, ...) the group as the head takes it
        self.carried: Array  # (n, C) the group's tokens, as far as they are revealed

    def next_group(self) -> Group:
        """The tokens to be coded next."""
        self.step += 1
        return self._begin([schedule.part(self.step) for schedule in self.schedules])

    def rest(self) -> Group:
        """All tokens that are left, as one group: each is predicted from the known ones alone."""
        self.step += 1
        parts = [slice(s.part(self.step).start, len(s.order)) for s in self.schedules]
        return self._begin(parts, self.step)

    def _begin(self, parts: list[slice], num_known: int | None = None) -> Group:
        self.group, self.prepared = self._predict(parts, num_known)
        self.carried = self.tokens[self.group.rows]
        return self.group

    def _predict(self, parts: list[slice], num_known: int | None) -> tuple[Group, Array]:
        """The group, whose part of each window's order is given, as the head takes it.

        With `num_known`, the parts are all that follows so many groups.
        """
        raise NotImplementedError

    def mixtures(self, k: int) -> list[Mixture]:
        """For each window, the mixtures of the group's tokens in slice k, channels fastest."""
        earlier = self.carried[:, : self.slices[k].start]
        mixture = self.network.mixtures(k, self.prepared, earlier, self.aim)
        width = self.slices[k].stop - self.slices[k].start
        return [mixture.rows(slice(p.start * width, p.stop * width)) for p in self.group.parts]

    def reveal(self, k: int, symbols: Integers) -> None:
        """The values (n, channels) of slice k."""
        self.y_hat[self.group.rows, self.slices[k]] = symbols
        self.carried[:, self.slices[k]] = self.network.squash(symbols)
        if k == len(self.slices) - 1:
            self.tokens[self.group.rows] = self.carried

    def _ordered(self, parts: list[slice]) -> Group:
        """The group along the schedule."""
        return self._group([s.order[part] for s, part in zip(self.schedules, parts, strict=True)])

    def _group(self, orders: Sequence[NDArray[np.int64]]) -> Group:
        """From each window's tokens, named within the window."""
        rows = [order + window.start for order, window in zip(orders, self.windows, strict=True)]
        return Group(np.concatenate(rows), slices_of(orders))


class M2TPredictor(Predictor):
    """Masked twice: each group's slots pass once; earlier ones are in the cache (paper 3.6)."""

    def _predict(self, parts: list[slice], num_known: int | None) -> tuple[Group, Array]:
        slots, spans = self._slots(parts, num_known)
        trunk = self.network.trunk(self.tokens, slots, spans, self.aim, self.cache)
        return self._ordered(parts), self.network.prepare(trunk)

    def _slots(self, parts: list[slice], num_known: int | None = None) -> tuple[Slots, list[Span]]:
        """Some slots of each window, put together."""
        config = self.network.config
        slots = [
            m2t_slots(config.schedule, *shape, config.entropy.window, num_known).part(part)
            for shape, part in zip(self.shapes, parts, strict=True)
        ]
        rows = slices_of([s.target for s in slots])
        spans = [
            Span(w, window, row, part.start)
            for w, (window, row, part) in enumerate(zip(self.windows, rows, parts, strict=True))
        ]
        shifted = [s.shifted(w.start) for s, w in zip(slots, self.windows, strict=True)]
        return joined(shifted), spans


class OnePassPredictor(M2TPredictor):
    """M2T where all tokens are known, as the encoder knows them: one masked pass (Eq. 2)."""

    def __init__(
        self, network: Network, shapes: Sequence[tuple[int, int]], aim: Aim, y: Integers
    ) -> None:
        super().__init__(network, shapes, aim)
        self.tokens[:-1] = network.squash(y)
        slots, spans = self._slots([slice(0, len(s.order)) for s in self.schedules])
        prepared = network.prepare(network.trunk(self.tokens, slots, spans, aim, self.cache))
        carried = self.tokens[slots.target]
        self.all_mixtures = [
            network.mixtures(k, prepared, carried[:, : channels.start], aim)
            for k, channels in enumerate(self.slices)
        ]

    def _predict(self, parts: list[slice], num_known: int | None) -> tuple[Group, Array]:
        assert num_known is None, "nothing is left where all is known"
        self.parts = parts
        return self._ordered(parts), None

    def mixtures(self, k: int) -> list[Mixture]:
        """For each window, the mixtures of the group's tokens in slice k, channels fastest."""
        width = self.slices[k].stop - self.slices[k].start
        return [
            self.all_mixtures[k].rows(
                slice((window.start + part.start) * width, (window.start + part.stop) * width)
            )
            for window, part in zip(self.windows, self.parts, strict=True)
        ]

    def reveal(self, k: int, symbols: Integers) -> None:
        """The values (n, channels) of slice k, which the network knows already."""
        self.y_hat[self.group.rows, self.slices[k]] = symbols


class MTPredictor(Predictor):
    """Masked once: every step passes all tokens through the network (paper 3.5)."""

    def __init__(self, network: Network, shapes: Sequence[tuple[int, int]], aim: Aim) -> None:
        super().__init__(network, shapes, aim)
        self.known = np.zeros(len(self.y_hat), bool)

    def _predict(self, parts: list[slice], num_known: int | None) -> tuple[Group, Array]:
        network = self.network
        largest = network.config.entropy.window
        slots = [
            mt_slots(self.known[window], *shape, largest).shifted(window.start)
            for window, shape in zip(self.windows, self.shapes, strict=True)
        ]
        spans = [Span(w, window, window, 0) for w, window in enumerate(self.windows)]
        trunk = network.trunk(self.tokens, joined(slots), spans, self.aim, self.cache)
        if network.config.schedule.order == "entropy":
            group = self._group(self._surest(trunk, [part.stop - part.start for part in parts]))
        else:
            group = self._ordered(parts)
        self.known[group.rows] = True
        return group, network.prepare(trunk[group.rows])

    def _surest(self, trunk: Array, counts: Sequence[int]) -> list[NDArray[np.int64]]:
        """For each window the unknown tokens of least predicted entropy, ties in raster order.

        MaskGIT's adaptive order, with entropies as MIMT has it (paper 3.4); in integers: the sum of
        all channels' mean rungs, which are logarithms of scales. A slice is judged with the
        token's earlier slices at zero: they are not known yet.
        """
        prepared, doubt = self.network.prepare(trunk), np.zeros(len(self.known), np.int64)
        nothing = self.network.squash(np.zeros_like(self.y_hat))
        for k, channels in enumerate(self.slices):
            earlier = nothing[:, : channels.start]
            mixture = self.network.mixtures(k, prepared, earlier, self.aim)
            rungs = np.maximum(mixture.scales.astype(np.int64), SURE_RUNG)
            doubt += (rungs * mixture.weights).sum(1).reshape(len(doubt), -1).sum(1)
        doubt[self.known] = np.iinfo(np.int64).max
        return [
            doubt[window].argsort(kind="stable")[:count]
            for window, count in zip(self.windows, counts, strict=True)
        ]


def slices_of(arrays: Sequence[NDArray]) -> list[slice]:
    """Where each array lies when they are put behind each other."""
    sizes = [len(array) for array in arrays]
    return [slice(end - size, end) for size, end in zip(sizes, accumulate(sizes), strict=True)]


def build_predictor(
    network: Network,
    shapes: Sequence[tuple[int, int]],
    aim: Aim,
    y: Integers | None = None,
) -> Predictor:
    """For windows of these shapes; tokens y (N, C) where they are known, which may save time."""
    if network.config.entropy.masking == "mt":
        return MTPredictor(network, shapes, aim)
    if y is not None and network.exact:
        return OnePassPredictor(network, shapes, aim, y)
    return M2TPredictor(network, shapes, aim)
