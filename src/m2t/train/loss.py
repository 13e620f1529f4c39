"""The objective: bits per pixel + lambda * squared error, for all lambdas at once."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..config import RateConfig


class Loss(NamedTuple):
    """What one batch costs; 0-d tensors, means over the batch."""

    loss: Tensor
    """(bpp + lmbda * mse) / (lmbda / lmbda_mid)^weighting."""
    bpp: Tensor
    """Bits per pixel."""
    mse: Tensor
    """Squared error on the scale 0..255."""


def rate_distortion(
    x: Tensor,
    x_hat: Tensor,
    bits: Tensor,
    lmbda: Tensor,
    rate: RateConfig,
    weighting: float = 0.5,
) -> Loss:
    """Loss of x_hat (B, 3, H, W) against x, where `bits` (B,) were paid, at lmbda (B,)."""
    bpp = bits.float() / x[0, 0].numel()
    mse = 255**2 * (x_hat.float() - x).square().mean(dim=(1, 2, 3))
    # Along a typical R-D curve bpp and lmbda * mse both grow about like sqrt(lmbda): without the
    # division the high qualities would own the gradient.
    loss = (bpp + lmbda * mse) / (lmbda / rate.lmbda_mid) ** weighting
    return Loss(loss.mean(), bpp.mean().detach(), mse.mean().detach())


def draw_lambdas(rate: RateConfig, count: int, seed: int, step: int) -> Tensor:
    """(count,) lambdas, log-uniform over the range of `rate`, the same ones for the same step.

    Stratified (one from each of `count` equal parts, shuffled), which makes the loss less noisy.
    """
    rng = np.random.default_rng((seed, step, 0x1A3BDA))
    uniform = rng.permutation((np.arange(count) + rng.random(count)) / count)
    span = math.log(rate.lmbda_max / rate.lmbda_min)
    return torch.from_numpy(rate.lmbda_min * np.exp(uniform * span)).float()
