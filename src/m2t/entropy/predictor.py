"""Drives the entropy model group by group, for coding/loop.py.

The encoder runs these very steps as well, so that both sides compute the same mixtures.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..coding.gaussians import Mixture, quantise
from ..schedule import Schedule, build
from .layers import KeyValueCache
from .mixture import MixtureParameters
from .slots import m2t_slots, mt_slots
from .transformer import EntropyModel


class Predictor:
    """What MT and M2T share: windows filled token by token, slices of channels within a group."""

    def __init__(self, model: EntropyModel, schedule: Schedule, num_windows: int, t: float) -> None:
        self.model, self.schedule = model, schedule
        self.device = model.mask_token.device
        self.t = torch.full((num_windows,), t, device=self.device)
        self.prior = model.prior(self.t)
        self.num_groups = len(schedule.ends)
        self.slices: Sequence[slice] = model.head.slices
        num_tokens, channels = len(schedule.order), model.embed.in_features
        self.y_hat = np.zeros((num_windows, num_tokens, channels), np.int32)
        # As the network takes them; zero where not revealed yet, which nothing may read.
        self.tokens = torch.zeros(self.y_hat.shape, device=self.device)
        self.step = -1
        self.prepared: Tensor  # (W, n, ...) the group as the head takes it

    def next_group(self) -> NDArray[np.int64]:
        """(W, n) raster indices of the tokens to be coded next."""
        self.step += 1
        group = self._predict()
        self.group = np.broadcast_to(group, (len(self.y_hat), group.shape[-1]))
        return self.group

    def _predict(self) -> NDArray[np.int64]:
        """Choose the group, (n,) or (W, n), and set self.prepared (W, n, ...) for the head."""
        raise NotImplementedError

    def mixtures(self, k: int) -> list[Mixture]:
        """For each window, the mixtures of the group's tokens in slice k, channels fastest."""
        earlier = self._group_tokens()[..., : self.slices[k].start]
        return as_integers(self.model.head.slice(k, self.prepared, earlier, self.prior))

    def reveal(self, k: int, symbols: NDArray[np.int32]) -> None:
        """The values (W, n, channels) of slice k."""
        rows, channels = np.arange(len(self.y_hat))[:, None], self.slices[k]
        self.y_hat[rows, self.group, channels] = symbols
        values = torch.from_numpy(symbols).to(self.device, torch.float32)
        group = torch.from_numpy(self.group.copy()).to(self.device)
        self.tokens[torch.from_numpy(rows), group, channels] = self.model.squash(values)

    def _group_tokens(self) -> Tensor:
        """(W, n, C) the group's tokens, as far as revealed."""
        rows = torch.arange(len(self.y_hat))[:, None]
        return self.tokens[rows, torch.from_numpy(self.group.copy())]


class M2TPredictor(Predictor):
    """Masked twice: each group's slots pass once; earlier ones are in the cache (paper 3.6)."""

    def __init__(self, model: EntropyModel, schedule: Schedule, num_windows: int, t: float) -> None:
        super().__init__(model, schedule, num_windows, t)
        self.slots = m2t_slots(model.schedule, schedule.height, schedule.width, model.config.window)
        num_slots = len(schedule.order)
        self.caches = [KeyValueCache(num_slots) for _ in model.blocks]

    def _predict(self) -> NDArray[np.int64]:
        where = self.schedule.slices[self.step]
        trunk = self.model.trunk(self.tokens, self.slots.part(where), self.t, self.caches)
        self.prepared = self.model.head.prepare(trunk)
        return self.schedule.order[where]


class MTPredictor(Predictor):
    """Masked once: every step passes all tokens through the network (paper 3.5)."""

    def __init__(self, model: EntropyModel, schedule: Schedule, num_windows: int, t: float) -> None:
        super().__init__(model, schedule, num_windows, t)
        self.known = torch.zeros(self.y_hat.shape[:2], dtype=torch.bool)

    def _predict(self) -> NDArray[np.int64]:
        schedule, model = self.schedule, self.model
        slots = mt_slots(self.known, schedule.height, schedule.width, model.config.window)
        prepared = model.head.prepare(model.trunk(self.tokens, slots, self.t))
        where = schedule.slices[self.step]
        if model.schedule.order == "entropy":
            group = self._surest(prepared, where.stop - where.start)
        else:
            group = torch.from_numpy(schedule.order[where].copy()).expand(len(self.y_hat), -1)
        rows = torch.arange(len(self.y_hat))[:, None]
        self.prepared = prepared[rows, group]
        self.known[rows, group] = True
        return group.numpy()

    def _surest(self, prepared: Tensor, count: int) -> Tensor:
        """(W, count) the unknown tokens of least predicted entropy, ties to the first in raster.

        MaskGIT's adaptive order, with entropies as MIMT has it (paper 3.4). A slice's entropy is
        judged with the token's earlier slices at zero: they are not known yet.
        """
        model, bits = self.model, torch.zeros(self.known.shape)
        for k, channels in enumerate(self.slices):
            earlier = torch.zeros(*prepared.shape[:2], channels.start, device=self.device)
            bits += entropy_bound(model.head.slice(k, prepared, earlier, self.prior)).cpu()
        bits[self.known] = torch.inf
        return bits.sort(dim=1, stable=True).indices[:, :count]


def entropy_bound(p: MixtureParameters) -> Tensor:
    """(..., channels) mixtures -> (...) summed entropy of the Gaussians of equal variance, bits.

    A rounding error's variance is added, so that it tends to 0 bits for sure symbols.
    """
    weights = p.logits.softmax(-2)
    mean = (weights * p.means).sum(-2, keepdim=True)
    variance = (weights * (torch.exp(2 * p.log_scales) + (p.means - mean).square())).sum(-2)
    return (0.5 * torch.log2(1 + 12 * variance)).sum(-1)


def build_predictor(
    model: EntropyModel, height: int, width: int, num_windows: int, t: float
) -> Predictor:
    """For `num_windows` windows of height x width tokens at quality t."""
    schedule = build(model.schedule, height, width)
    kind = M2TPredictor if model.config.masking == "m2t" else MTPredictor
    return kind(model, schedule, num_windows, t)


def as_integers(p: MixtureParameters) -> list[Mixture]:
    """One Mixture for each window of (W, n, K, channels), rows in the order of (n, channels)."""
    weights = p.logits.softmax(-2)
    arrays = [v.transpose(-1, -2).cpu().numpy() for v in (p.means, p.log_scales.exp(), weights)]
    mixtures = p.means.shape[-2]
    return [
        quantise(*(v.reshape(-1, mixtures) for v in window)) for window in zip(*arrays, strict=True)
    ]
