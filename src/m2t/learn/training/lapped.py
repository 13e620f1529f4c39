"""Adam for the linear lapped transforms, in the frequencies of their kernels.

The kernels are pictures of 32x32 pixels. What they meet in photographs differs in strength by 10^4
between the lowest frequency and the highest: a step that is right for one is noise or nothing for
the other, and with plain Adam kernels never grow beyond their block. Here each frequency of an
analysis kernel, and each synthesis kernel, moves in inverse proportion to what it is multiplied by,
so that every part of a step changes the outputs alike.
"""

import torch
from torch import Tensor, nn

from .frequencies import of_kernels, to_kernels

FAINTEST = 0.3
"""Frequencies and channels weaker than that, in quantiser steps, move as if they had it."""


class LappedAdam(torch.optim.Optimizer):
    """Moves one pair of linear transforms."""

    def __init__(
        self,
        analysis: nn.Parameter,
        synthesis: nn.Parameter,
        strength: Tensor,
        lr: float | Tensor,
        betas: tuple[float, float] = (0.9, 0.98),
    ) -> None:
        """`strength` (3, 32, 32) is that of the frequencies that the analysis meets."""
        super().__init__([analysis, synthesis], {"lr": lr, "betas": betas})
        self.analysis, self.synthesis = analysis, synthesis
        self.strength = strength.to(analysis.device)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update both, as far as they have gradients."""
        assert closure is None
        seen = of_kernels(self.analysis) * self.strength
        channels = seen.square().sum((1, 2, 3))[:, None, None, None].sqrt()
        for param, strength in ((self.analysis, self.strength), (self.synthesis, channels)):
            if param.grad is not None:
                step = self._direction(param) / torch.hypot(strength, torch.tensor(FAINTEST))
                param.sub_(to_kernels(step) * self.param_groups[0]["lr"])

    def _direction(self, param: Tensor) -> Tensor:
        """Adam's step (N, 3, 32, 32), of about 1 in every frequency."""
        assert param.grad is not None
        grad = of_kernels(param.grad)
        first, second = self.param_groups[0]["betas"]
        state = self.state[param]
        if not state:
            state["count"] = torch.zeros((), device=param.device)
            state["mean"], state["square"] = torch.zeros_like(grad), torch.zeros_like(grad)
        count = state["count"].add_(1)
        mean = state["mean"].lerp_(grad, 1 - first) / (1 - first**count)
        square = state["square"].lerp_(grad.square(), 1 - second) / (1 - second**count)
        return mean / (square.sqrt() + 1e-12)
