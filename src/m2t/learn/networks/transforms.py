"""One pair of transforms for every quality: gains before rounding, their inverse after it.

After Cui et al. 2021, with the gain of each channel a function of lambda rather than a table.
"""

import math

import torch
from torch import Tensor, nn

from ...config import ModelConfig, TransformConfig
from .elic import ElicAnalysis, ElicSynthesis
from .lapped import LappedAnalysis, LappedSynthesis

Analysis = ElicAnalysis | LappedAnalysis
Synthesis = ElicSynthesis | LappedSynthesis


def build(config: TransformConfig, tuned: bool = False) -> tuple[Analysis, Synthesis]:
    """(analysis, synthesis), both called with the data and what is asked for, t (B, 2)."""
    if config.kind == "elic":
        return ElicAnalysis(config), ElicSynthesis(config)
    return LappedAnalysis(config), LappedSynthesis(config, tuned)


class VariableTransforms(nn.Module):
    """Images to latents in quantiser steps, and back.

    `t` (B, 2) stands for what is asked for everywhere: the quality, about -1 at the lowest lambda
    to 1 at the highest, and the tune, 0 for squared error, 1 for the eye (RateConfig.t).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.analysis, self.synthesis = build(config.transform, bool(config.rate.eye))
        # log gain of each channel before rounding, affine in t. For a Gaussian at high rate the
        # best step goes with lmbda^-1/2: that is where the slope starts.
        channels = config.transform.latent_channels
        self.gain = nn.Parameter(torch.zeros(channels))
        self.gain_slope = nn.Parameter(torch.full((channels,), config.rate.half_range / 2))
        if config.rise is not None:
            self.gain_rise = nn.Parameter(torch.zeros(channels))  # the bend of log gain at `rise`
        begins = config.entropy.slices_from or [-math.inf] * len(config.slices)
        widths = [part.stop - part.start for part in config.slices]
        begin = [t for t, n in zip(begins, widths, strict=True) for _ in range(n)]
        # t from which each channel is coded
        self.register_buffer("begin", torch.tensor(begin), persistent=False)
        if config.rate.eye:  # what the tune adds to both
            self.tuned_gain = nn.Parameter(torch.zeros(channels))
            self.tuned_gain_slope = nn.Parameter(torch.zeros(channels))

    def log_gain(self, t: Tensor) -> Tensor:
        """(B, 2) -> (B, C, 1, 1)."""
        quality, tune = t[:, :1], t[:, 1:]
        log_gain = self.gain + self.gain_slope * quality
        if self.config.rate.eye:
            log_gain = log_gain + tune * (self.tuned_gain + self.tuned_gain_slope * quality)
        if self.config.rise is not None:
            log_gain = log_gain + self.gain_rise * (quality - self.config.rise).clamp_min(0)
        return log_gain[:, :, None, None]

    def coded(self, t: Tensor) -> Tensor:
        """(B, 2) -> (B, C) bool: which channels are coded; the others are zero (ModelConfig.at)."""
        return t[:, :1] >= self.get_buffer("begin")

    def analyse(self, x: Tensor, t: Tensor) -> Tensor:
        """x (B, 3, H, W) in [0, 1], sides multiples of 16 -> y (B, C, h, w) in quantiser steps."""
        gain = self.log_gain(t).exp() * self.coded(t)[:, :, None, None]
        return self.analysis(x, t).float() * gain

    def synthesise(self, y_hat: Tensor, t: Tensor, linear_gradient: bool = False) -> Tensor:
        """y_hat (B, C, h, w) -> x_hat (B, 3, 16 h, 16 w).

        With `linear_gradient`, gradients are those of the linear part alone, if there is one.
        """
        return self.synthesis(y_hat * (-self.log_gain(t)).exp(), t, linear_gradient).float()

    @torch.no_grad()
    def step_errors(self, t: Tensor) -> Tensor:
        """(B, C): about the squared error (0..255, summed) of a step of one in each channel."""
        return 255**2 * self.synthesis.energies() * (-2 * self.log_gain(t)[..., 0, 0]).exp()
