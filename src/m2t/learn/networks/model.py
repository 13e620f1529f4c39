"""The whole network as it is trained: image -> latents -> rounded latents -> image, and bits.

It knows tensors only; codec.py knows files.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ...config import ModelConfig
from ...geometry.windows import by_shape, cut
from .lapped import LappedAnalysis, LappedSynthesis, initialise
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

    def in_part(self, name: str, part: str) -> bool:
        """Whether a parameter belongs to a part, as `TrainConfig.part` names them."""
        if part == "linear":
            return ".linear." in name or name.startswith(("gain", "tuned_gain", "entropy."))
        return part == "all" or name.startswith(f"{part}.")

    def rate(self, y: Tensor, y_hat: Tensor, t: Tensor) -> Tensor:
        """(B,) bits of latents (B, C, h, w), windows coded independently."""
        y, y_hat = y.permute(0, 2, 3, 1), y_hat.permute(0, 2, 3, 1)
        windows = cut(y.shape[1], y.shape[2], self.config.entropy.window)
        bits = torch.zeros(len(y), device=y.device)
        for indices in by_shape(windows).values():
            some = [windows[i] for i in indices]
            stack = [torch.cat([v[:, w.rows, w.columns] for w in some]) for v in (y, y_hat)]
            window_bits = self.entropy(*stack, t.repeat(len(some), 1))
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
        transforms = {
            name
            for name, parameter in self.named_parameters()
            if parameter.ndim < 2 or "leave." in name
        }
        entropy = {f"entropy.{name}" for name in self.entropy.adam_parameters()}
        return self.slow_parameters() | transforms | entropy

    def pixel_parameters(self) -> dict[str, int]:
        """Names of layers that see blocks of pixels of the picture, and the side of the blocks."""
        if not isinstance(self.analysis, LappedAnalysis):
            return {}
        sides = {
            "analysis.enter.weight": 8,
            "synthesis.blend.weight": 4,
            "synthesis.fine.blend.weight": 8,
        }
        return {name: sides[name] for name, _ in self.named_parameters() if name in sides}

    def slow_parameters(self) -> set[str]:
        """Names of the linear transforms: they start near their best, and errors cost most."""
        return {name for name, _ in self.named_parameters() if ".linear.weight" in name}
