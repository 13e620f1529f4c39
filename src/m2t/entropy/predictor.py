"""Drives the entropy model group by group, for coding/loop.py.

The encoder runs the decoder's steps as well, so that both compute the same mixtures; only where one
pass is known to give the very same, as with integers, it takes that.
"""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..coding.gaussians import Mixture
from ..config import ModelConfig
from ..schedule import Schedule, build
from .layers import KeyValueCache
from .slots import Slots, m2t_slots, mt_slots

SURE_RUNG = 48
"""Scales below this rung of the coder's ladder (sigma 0.25) leave next to no entropy."""


class Network(Protocol):
    """What predicts mixtures: in integers (integer/network.py), or in floats (floating.py)."""

    config: ModelConfig
    slices: list[slice]
    """Of a token's channels: predicted one after the other."""
    exact: bool
    """One pass over all slots gives the very mixtures that steps with a cache give."""

    def squash(self, symbols: NDArray[np.int32]) -> Tensor:
        """Token integers as the network takes them."""
        ...

    def trunk(
        self, tokens: Tensor, slots: Slots, quality: int, caches: list[KeyValueCache] | None = None
    ) -> Tensor:
        """(W, N, C) tokens -> (W, n, width) for the slots."""
        ...

    def prepare(self, trunk: Tensor) -> Tensor:
        """What all slices need of the trunk's output, computed once per group."""
        ...

    def mixtures(self, k: int, prepared: Tensor, earlier: Tensor, quality: int) -> list[Mixture]:
        """For each window, the mixtures of slice k: rows (n, channels) in order."""
        ...


class Predictor:
    """What MT and M2T share: windows filled token by token, slices of channels within a group."""

    def __init__(
        self, network: Network, schedule: Schedule, num_windows: int, quality: int
    ) -> None:
        self.network, self.schedule, self.quality = network, schedule, quality
        self.num_groups = len(schedule.ends)
        self.slices = network.slices
        shape = (num_windows, len(schedule.order), network.config.transform.latent_channels)
        self.y_hat = np.zeros(shape, np.int32)
        # As the network takes them; zero where not revealed yet, which nothing may read.
        self.tokens = network.squash(self.y_hat)
        self.rows = np.arange(num_windows)[:, None]
        self.step = -1
        self.prepared: Tensor  # (W, n, ...) the group as the head takes it

    def next_group(self) -> NDArray[np.int64]:
        """(W, n) raster indices of the tokens to be coded next."""
        self.step += 1
        group = self._predict()
        self.group = np.broadcast_to(group, (len(self.y_hat), group.shape[-1])).copy()
        return self.group

    def _predict(self) -> NDArray[np.int64]:
        """Choose the group, (n,) or (W, n), and set self.prepared (W, n, ...) for the head."""
        raise NotImplementedError

    def mixtures(self, k: int) -> list[Mixture]:
        """For each window, the mixtures of the group's tokens in slice k, channels fastest."""
        earlier = self.tokens[self.rows, self.group][..., : self.slices[k].start]
        return self.network.mixtures(k, self.prepared, earlier, self.quality)

    def reveal(self, k: int, symbols: NDArray[np.int32]) -> None:
        """The values (W, n, channels) of slice k."""
        self.y_hat[self.rows, self.group, self.slices[k]] = symbols
        self.tokens[self.rows, self.group, self.slices[k]] = self.network.squash(symbols)


class M2TPredictor(Predictor):
    """Masked twice: each group's slots pass once; earlier ones are in the cache (paper 3.6)."""

    def __init__(
        self, network: Network, schedule: Schedule, num_windows: int, quality: int
    ) -> None:
        super().__init__(network, schedule, num_windows, quality)
        self.slots = window_slots(network, schedule)
        num_layers = network.config.entropy.layers
        self.caches = [KeyValueCache(len(schedule.order)) for _ in range(num_layers)]

    def _predict(self) -> NDArray[np.int64]:
        where = self.schedule.slices[self.step]
        slots = self.slots.part(where)
        trunk = self.network.trunk(self.tokens, slots, self.quality, self.caches)
        self.prepared = self.network.prepare(trunk)
        return self.schedule.order[where]


class MTPredictor(Predictor):
    """Masked once: every step passes all tokens through the network (paper 3.5)."""

    def __init__(
        self, network: Network, schedule: Schedule, num_windows: int, quality: int
    ) -> None:
        super().__init__(network, schedule, num_windows, quality)
        self.known = np.zeros(self.y_hat.shape[:2], bool)

    def _predict(self) -> NDArray[np.int64]:
        schedule, network = self.schedule, self.network
        window = network.config.entropy.window
        slots = mt_slots(torch.from_numpy(self.known), schedule.height, schedule.width, window)
        prepared = network.prepare(network.trunk(self.tokens, slots, self.quality))
        where = schedule.slices[self.step]
        if network.config.schedule.order == "entropy":
            group = self._surest(prepared, where.stop - where.start)
        else:
            group = np.repeat(schedule.order[None, where], len(self.known), axis=0)
        self.prepared = prepared[self.rows, group]
        self.known[self.rows, group] = True
        return group

    def _surest(self, prepared: Tensor, count: int) -> NDArray[np.int64]:
        """(W, count) the unknown tokens of least predicted entropy, ties to the first in raster.

        MaskGIT's adaptive order, with entropies as MIMT has it (paper 3.4); in integers: the sum of
        all channels' mean rungs, which are logarithms of scales. A slice is judged with the
        token's earlier slices at zero: they are not known yet.
        """
        num_windows, num_tokens = self.known.shape
        doubt = np.zeros((num_windows, num_tokens), np.int64)
        for k, channels in enumerate(self.slices):
            earlier = torch.zeros_like(self.tokens[..., : channels.start])
            mixtures = self.network.mixtures(k, prepared, earlier, self.quality)
            for i, mixture in enumerate(mixtures):
                rungs = np.maximum(mixture.scales.astype(np.int64), SURE_RUNG)
                doubt[i] += (rungs * mixture.weights).sum(1).reshape(num_tokens, -1).sum(1)
        doubt[self.known] = np.iinfo(np.int64).max
        return doubt.argsort(axis=1, kind="stable")[:, :count]


class OnePassPredictor(Predictor):
    """M2T where all tokens are known, as the encoder knows them: one masked pass (Eq. 2)."""

    def __init__(
        self, network: Network, schedule: Schedule, quality: int, y: NDArray[np.int32]
    ) -> None:
        super().__init__(network, schedule, len(y), quality)
        slots = window_slots(network, schedule)
        tokens = network.squash(y)
        prepared = network.prepare(network.trunk(tokens, slots, quality))
        tokens = tokens[:, slots.target]
        self.all_mixtures = [
            network.mixtures(k, prepared, tokens[..., : channels.start], quality)
            for k, channels in enumerate(self.slices)
        ]

    def _predict(self) -> NDArray[np.int64]:
        return self.schedule.order[self.schedule.slices[self.step]]

    def mixtures(self, k: int) -> list[Mixture]:
        """For each window, the mixtures of the group's tokens in slice k, channels fastest."""
        where, channels = self.schedule.slices[self.step], self.slices[k]
        width = channels.stop - channels.start
        rows = slice(where.start * width, where.stop * width)
        return [Mixture(m[rows], s[rows], w[rows]) for m, s, w in self.all_mixtures[k]]

    def reveal(self, k: int, symbols: NDArray[np.int32]) -> None:
        """The values (W, n, channels) of slice k, which the network knows already."""
        self.y_hat[self.rows, self.group, self.slices[k]] = symbols


def window_slots(network: Network, schedule: Schedule) -> Slots:
    """The slots of an M2T window."""
    config, shape = network.config, (schedule.height, schedule.width)
    return m2t_slots(config.schedule, *shape, config.entropy.window)


def build_predictor(
    network: Network,
    shape: tuple[int, int],
    num_windows: int,
    quality: int,
    y: NDArray[np.int32] | None = None,
) -> Predictor:
    """For windows of `shape` tokens; y (W, N, C) where they are known, which may save time."""
    schedule = build(network.config.schedule, *shape)
    if network.config.entropy.masking == "mt":
        return MTPredictor(network, schedule, num_windows, quality)
    if y is not None and network.exact:
        return OnePassPredictor(network, schedule, quality, y)
    return M2TPredictor(network, schedule, num_windows, quality)
