"""The whole network: image -> latents -> rounded latents -> image, and the bits in between.

It knows tensors only; codec.py knows files.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .config import ModelConfig
from .entropy.transformer import EntropyModel
from .transforms import build
from .transforms.lapped import LappedAnalysis, LappedSynthesis, initialise
from .windows import by_shape, cut


class ModelOut(NamedTuple):
    """What training needs."""

    x_hat: Tensor
    """(B, 3, H, W), not clamped."""
    bits: Tensor
    """(B,) rate of each image."""


def round_through(y: Tensor) -> Tensor:
    """Rounding whose gradient is the identity (paper 3.2)."""
    return y + (y.round() - y).detach()


class Model(nn.Module):
    """A codec's transforms, gains and entropy model."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.analysis, self.synthesis = build(config.transform)
        self.entropy = EntropyModel(config)
        # log gain of each channel before rounding, affine in t. For a Gaussian at high rate the
        # best step goes with lmbda^-1/2: that is where the slope starts.
        half_range = math.log(config.rate.lmbda_max / config.rate.lmbda_mid)
        channels = config.transform.latent_channels
        self.gain = nn.Parameter(torch.zeros(channels))
        self.gain_slope = nn.Parameter(torch.full((channels,), half_range / 2))

    @property
    def halo(self) -> int:
        """Tokens around a strip that its transforms look at, at most."""
        return self.config.transform.halo

    def quality_of(self, lmbda: Tensor) -> Tensor:
        """t in [-1, 1]: log lambda over the model's range."""
        rate = self.config.rate
        return torch.log(lmbda / rate.lmbda_mid) / rate.half_range

    def log_gain(self, t: Tensor) -> Tensor:
        """(B,) -> (B, C, 1, 1)."""
        return (self.gain + self.gain_slope * t[:, None])[:, :, None, None]

    def analyse(self, x: Tensor, t: Tensor) -> Tensor:
        """x (B, 3, H, W) in [0, 1], sides multiples of 16 -> y (B, C, h, w) in quantiser steps."""
        return self.analysis(x, t).float() * self.log_gain(t).exp()

    def synthesise(self, y_hat: Tensor, t: Tensor) -> Tensor:
        """y_hat (B, C, h, w) -> x_hat (B, 3, 16 h, 16 w)."""
        return self.synthesis(y_hat * (-self.log_gain(t)).exp(), t).float()

    def forward(self, x: Tensor, lmbda: Tensor) -> ModelOut:
        """x (B, 3, H, W), lmbda (B,). Noise for the rate in training, rounding in evaluation."""
        t = self.quality_of(lmbda)
        y = self.analyse(x, t)
        y_hat = round_through(y)
        noisy = y + torch.rand_like(y) - 0.5 if self.training else y_hat
        return ModelOut(self.synthesise(y_hat, t), self.rate(noisy, y_hat, t))

    def rate(self, y: Tensor, y_hat: Tensor, t: Tensor) -> Tensor:
        """(B,) bits of latents (B, C, h, w), windows coded independently."""
        y, y_hat = y.permute(0, 2, 3, 1), y_hat.permute(0, 2, 3, 1)
        windows = cut(y.shape[1], y.shape[2], self.config.entropy.window)
        bits = torch.zeros(len(y), device=y.device)
        for indices in by_shape(windows).values():
            some = [windows[i] for i in indices]
            stack = [torch.cat([v[:, w.rows, w.columns] for w in some]) for v in (y, y_hat)]
            window_bits = self.entropy(*stack, t.repeat(len(some)))
            bits = bits + window_bits.sum((1, 2, 3)).view(len(some), -1).sum(0)
        return bits

    def initialise(self, patches: Tensor) -> None:
        """Start from the KLT: `patches` (n, 3, 16, 16) of training images in [0, 1].

        Only lapped transforms have a linear part to start; others keep their random weights.
        """
        if not isinstance(self.analysis, LappedAnalysis):
            return
        assert isinstance(self.synthesis, LappedSynthesis)
        std = initialise(self.analysis, self.synthesis, patches)
        with torch.no_grad():
            self.entropy.prior_scale.copy_(std.log())
            self.entropy.prior_slope.copy_(self.gain_slope)

    def adam_parameters(self) -> set[str]:
        """Names of what Muon does not suit: vectors, tables, first and last layers."""
        parts = ("positions", "mask_token", "quality.", "head.out.", "leave.", "blend.", "embed.")
        return self.slow_parameters() | {
            name
            for name, parameter in self.named_parameters()
            if parameter.ndim < 2 or any(part in name for part in parts)
        }

    def slow_parameters(self) -> set[str]:
        """Names of the linear transforms: they start near their best, and errors cost most."""
        return {name for name, _ in self.named_parameters() if ".linear.weight" in name}
