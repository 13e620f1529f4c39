"""The whole network as it is trained: image -> latents -> rounded latents -> image, and bits.

It knows tensors only; codec.py knows files.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ...config import ModelConfig
from ...geometry.windows import by_shape, cut
from .lapped import LMBDA_OF_UNIT
from .roles import Roles
from .transformer import EntropyModel
from .transforms import VariableTransforms


class ModelOut(NamedTuple):
    """What training needs."""

    x_hat: Tensor
    """(B, 3, H, W), not clamped."""
    bits: Tensor
    """(B,) rate of each image."""


def round_through(y: Tensor) -> Tensor:
    """Rounding whose gradient is the identity (paper 3.2)."""
    return y + (y.round() - y).detach()


class Model(VariableTransforms):
    """All that is trained together: transforms, gains, entropy model."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.entropy = EntropyModel(config)

    def forward(self, x: Tensor, t: Tensor, part: str = "all") -> ModelOut:
        """x (B, 3, H, W), t (B, 2). Noise for the rate in training, rounding in evaluation.

        What is of no use to train that part (see `in_part`) is left out: with "synthesis" bits
        are 0; with "entropy" x_hat is x, and the rate is that of rounded latents.
        """
        y = self.analyse(x, t)
        y_hat = round_through(y)
        x_hat = x if part == "entropy" else self.synthesise(y_hat, t)
        if part == "synthesis":
            return ModelOut(x_hat, torch.zeros(len(x), device=x.device))
        rounded = part == "entropy" or not self.training
        noisy = y_hat if rounded else y + torch.rand_like(y) - 0.5
        return ModelOut(x_hat, self.rate(noisy, y_hat, t))

    def roles(self) -> Roles:
        """What sets some layers of the transforms apart."""
        analysis, synthesis = self.analysis.roles(), self.synthesis.roles()
        return analysis.below("analysis") | synthesis.below("synthesis")

    def in_part(self, name: str, part: str) -> bool:
        """Whether a parameter belongs to a part, as `TrainConfig.part` names them."""
        if part == "linear":
            inside = any(name.startswith(f"{layer}.") for layer in self.roles().linear)
            return inside or name.startswith(("gain", "tuned_gain", "entropy."))
        return part == "all" or name.startswith(f"{part}.")

    def rate(self, y: Tensor, y_hat: Tensor, t: Tensor) -> Tensor:
        """(B,) bits of latents (B, C, h, w), windows coded independently."""
        y, y_hat = y.permute(0, 2, 3, 1), y_hat.permute(0, 2, 3, 1)
        windows = cut(y.shape[1], y.shape[2], self.config.entropy.window)
        bits = torch.zeros(len(y), device=y.device)
        for indices in by_shape(windows).values():
            some = [windows[i] for i in indices]
            stack = [torch.cat([v[:, w.rows, w.columns] for w in some]) for v in (y, y_hat)]
            window_bits = self.entropy(*stack, t.repeat(len(some), 1)).sum((1, 2))
            window_bits = window_bits * self.coded(t).repeat(len(some), 1)
            bits = bits + window_bits.sum(1).view(len(some), -1).sum(0)
        return bits

    def initialise(self, patches: Tensor) -> None:
        """Start from the KLT: `patches` (n, 3, 16, 16) of training images in [0, 1].

        Only lapped transforms have a linear part to start; others keep their random weights.
        """
        std = self.synthesis.initialise(self.analysis, patches)  # type: ignore[arg-type] - a pair
        if std is not None:
            finer = 0.5 * math.log(self.config.rate.lmbda_mid / LMBDA_OF_UNIT)
            with torch.no_grad():
                self.gain.fill_(finer)
                self.entropy.prior_scale.copy_(std.log() + finer)
                self.entropy.prior_slope.copy_(self.gain_slope)

    def adam_parameters(self) -> set[str]:
        """Names of what Muon does not suit: vectors, tables, first and last layers."""
        last = {f"{layer}.weight" for layer in self.roles().last}
        vectors = {name for name, parameter in self.named_parameters() if parameter.ndim < 2}
        entropy = {f"entropy.{name}" for name in self.entropy.adam_parameters()}
        return self.slow_parameters() | last | vectors | entropy

    def pixel_parameters(self) -> dict[str, int]:
        """Names of weights that see blocks of pixels of the picture, and the side of the blocks."""
        return {f"{layer}.weight": side for layer, side in self.roles().see_pixels.items()}

    def slow_parameters(self) -> set[str]:
        """Names of the linear transforms' weights."""
        return {f"{layer}.weight" for layer in self.roles().linear}
