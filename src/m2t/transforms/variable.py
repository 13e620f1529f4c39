"""One pair of transforms for every quality: gains before rounding, their inverse after it.

After Cui et al. 2021, with the gain of each channel a function of lambda rather than a table.
"""

import torch
from torch import Tensor, nn

from ..config import ModelConfig, TransformConfig
from .elic import ElicAnalysis, ElicSynthesis
from .lapped import LappedAnalysis, LappedSynthesis

Analysis = ElicAnalysis | LappedAnalysis
Synthesis = ElicSynthesis | LappedSynthesis


def build(config: TransformConfig) -> tuple[Analysis, Synthesis]:
    """(analysis, synthesis), both called with the data and the quality t (B,)."""
    if config.kind == "elic":
        return ElicAnalysis(config), ElicSynthesis(config)
    return LappedAnalysis(config), LappedSynthesis(config)


class Transforms(nn.Module):
    """Images to latents in quantiser steps, and back."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.analysis, self.synthesis = build(config.transform)
        # log gain of each channel before rounding, affine in t. For a Gaussian at high rate the
        # best step goes with lmbda^-1/2: that is where the slope starts.
        channels = config.transform.latent_channels
        self.gain = nn.Parameter(torch.zeros(channels))
        self.gain_slope = nn.Parameter(torch.full((channels,), config.rate.half_range / 2))

    def log_gain(self, t: Tensor) -> Tensor:
        """(B,) -> (B, C, 1, 1)."""
        return (self.gain + self.gain_slope * t[:, None])[:, :, None, None]

    def analyse(self, x: Tensor, t: Tensor) -> Tensor:
        """x (B, 3, H, W) in [0, 1], sides multiples of 16 -> y (B, C, h, w) in quantiser steps."""
        return self.analysis(x, t).float() * self.log_gain(t).exp()

    def synthesise(self, y_hat: Tensor, t: Tensor, linear_gradient: bool = False) -> Tensor:
        """y_hat (B, C, h, w) -> x_hat (B, 3, 16 h, 16 w).

        With `linear_gradient`, gradients are those of the linear part alone, if there is one.
        """
        return self.synthesis(y_hat * (-self.log_gain(t)).exp(), t, linear_gradient).float()

    @torch.no_grad()
    def step_errors(self, t: Tensor) -> Tensor:
        """(B, C): about the squared error (0..255, summed) of a step of one in each channel."""
        return 255**2 * self.synthesis.energies() * (-2 * self.log_gain(t)[..., 0, 0]).exp()
