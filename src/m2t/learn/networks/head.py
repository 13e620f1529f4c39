"""From the trunk's output to a Gaussian mixture for each channel of a token.

Both heads predict a token slice by slice: `slice(k, ...)` gives the mixtures of the channels of
slice k from the trunk's output and the token's own earlier channels. The paper's factorised head
has one slice.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...config import ModelConfig
from .mixture import MAX_SCALE, MIN_SCALE, MixtureParameters, mixture_bits
from .units import Units


class Head(nn.Module):
    """What the two heads share: slices of channels and the form of their output."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.mixtures = config.entropy.mixtures
        self.slices = config.slices

    def prepare(self, trunk: Tensor) -> Tensor:
        """What all slices need of the trunk's output (..., width), computed once per group."""
        raise NotImplementedError

    def outputs(self, k: int, prepared: Tensor, earlier: Tensor) -> Tensor:
        """Raw outputs (..., 3 K channels of slice k); `earlier` (..., channels before slice k)."""
        raise NotImplementedError

    def slice(self, k: int, prepared: Tensor, earlier: Tensor, prior: Tensor) -> MixtureParameters:
        """Mixtures of slice k.

        Args:
            earlier: (..., channels before slice k), squashed as the trunk's input is.
            prior: (..., C) log scale of each channel at this quality: means and scales are
                predicted relative to it, so that the network's outputs stay near 1.
        """
        where = self.slices[k]
        prior = prior[..., None, where]
        raw = self.outputs(k, prepared, earlier).float()
        raw = raw.unflatten(-1, (3, self.mixtures, where.stop - where.start))
        means, log_scales, logits = raw.unbind(-3)
        log_scales = (log_scales + prior).clamp(math.log(MIN_SCALE), math.log(MAX_SCALE))
        return MixtureParameters(means * prior.exp(), log_scales, logits)

    def forward(self, y: Tensor, trunk: Tensor, tokens: Tensor, prior: Tensor) -> Tensor:
        """Bits (..., C) of y (..., C) where the tokens (..., C), squashed, are known (training)."""
        prepared = self.prepare(trunk)
        parts = [
            mixture_bits(y[..., where], self.slice(k, prepared, tokens[..., : where.start], prior))
            for k, where in enumerate(self.slices)
        ]
        return torch.cat(parts, dim=-1)


def _spread_scales(bias: Tensor, mixtures: int) -> None:
    """Start the components of each mixture at different scales, or they would stay equal."""
    with torch.no_grad():
        scales = bias.zero_().view(3, mixtures, -1)[1]
        scales += torch.linspace(-1.0, 0.5, mixtures)[:, None] if mixtures > 1 else 0.0


class FactorisedHead(Head):
    """The paper's: one dense layer, channels independent given the trunk (3.3)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        channels = config.transform.latent_channels
        self.out = nn.Linear(config.entropy.width, 3 * channels * self.mixtures)
        _spread_scales(self.out.bias, self.mixtures)

    def prepare(self, trunk: Tensor) -> Tensor:
        """The trunk's output as it is."""
        return trunk

    def outputs(self, k: int, prepared: Tensor, earlier: Tensor) -> Tensor:
        """See Head."""
        return self.out(prepared)


class SlicedHead(Head):
    """Each slice is predicted by a small network that also sees the token's earlier slices.

    With light transforms the channels of a token are far from independent; a factorised head
    pays for it. The trunk still runs once per group, only these small networks follow in turn.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        widths = config.entropy.slices
        self.hidden = hidden = config.entropy.head_width
        self.from_trunk = nn.Linear(config.entropy.width, hidden * len(widths))
        self.from_earlier = nn.ModuleList(
            nn.Linear(s.start, hidden, bias=False) for s in self.slices[1:]
        )
        self.out = nn.ModuleList(nn.Linear(hidden, 3 * n * self.mixtures) for n in widths)
        for out in self.out:
            assert isinstance(out, nn.Linear)
            nn.init.normal_(out.weight, std=0.1 / math.sqrt(hidden))
            _spread_scales(out.bias, self.mixtures)

    def units(self) -> Iterator[Units]:
        """Those of each slice."""
        for k, out in enumerate(self.out):
            assert isinstance(out, nn.Linear)
            some = slice(k * self.hidden, (k + 1) * self.hidden)
            rows = (self.from_trunk.weight[some],)
            if k > 0:
                rows += (self.from_earlier[k - 1].get_parameter("weight"),)
            yield Units(out, rows, (self.from_trunk.bias[some],), (out.weight,))

    def prepare(self, trunk: Tensor) -> Tensor:
        """The trunk's part of the hidden units of all slices."""
        return self.from_trunk(trunk)

    def outputs(self, k: int, prepared: Tensor, earlier: Tensor) -> Tensor:
        """See Head."""
        hidden = prepared[..., k * self.hidden : (k + 1) * self.hidden]
        if k > 0:
            hidden = hidden + self.from_earlier[k - 1](earlier)
        return self.out[k](F.relu(hidden))


def build_head(config: ModelConfig) -> Head:
    """The head that the config asks for."""
    return FactorisedHead(config) if config.entropy.head == "factorised" else SlicedHead(config)
