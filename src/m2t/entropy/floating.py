"""The entropy model as trained, in floating point, for the predictor."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..coding.gaussians import Mixture, quantise
from ..config import ModelConfig
from .layers import KeyValueCache
from .mixture import MixtureParameters
from .slots import Slots
from .transformer import EntropyModel


class FloatNetwork:
    """A float model as a Network: its files decode only where its floats come out the same."""

    def __init__(self, model: EntropyModel, config: ModelConfig) -> None:
        self.model, self.config = model, config
        self.slices = model.head.slices
        self.device = model.mask_token.device
        self.exact = False

    def squash(self, symbols: NDArray[np.int32]) -> Tensor:
        """Token integers as the network takes them."""
        return self.model.squash(torch.from_numpy(symbols).to(self.device, torch.float32))

    def trunk(
        self, tokens: Tensor, slots: Slots, quality: int, caches: list[KeyValueCache] | None = None
    ) -> Tensor:
        """(W, N, C) tokens -> (W, n, width) for the slots."""
        return self.model.trunk(tokens, slots, self._t(quality).expand(len(tokens)), caches)

    def prepare(self, trunk: Tensor) -> Tensor:
        """What all slices need of the trunk's output."""
        return self.model.head.prepare(trunk)

    def mixtures(self, k: int, prepared: Tensor, earlier: Tensor, quality: int) -> list[Mixture]:
        """For each window, the mixtures of slice k: rows (n, channels) in order."""
        prior = self.model.prior(self._t(quality))
        return as_integers(self.model.head.slice(k, prepared, earlier, prior))

    def _t(self, quality: int) -> Tensor:
        return torch.tensor([self.config.rate.t(quality)], device=self.device)


def as_integers(p: MixtureParameters) -> list[Mixture]:
    """One Mixture for each window of (W, n, K, channels), rows in the order of (n, channels)."""
    weights = p.logits.softmax(-2)
    arrays = [v.transpose(-1, -2).cpu().numpy() for v in (p.means, p.log_scales.exp(), weights)]
    mixtures = p.means.shape[-2]
    windows = zip(*arrays, strict=True)
    return [quantise(*(v.reshape(-1, mixtures) for v in window)) for window in windows]
