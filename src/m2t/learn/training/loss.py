"""The objective: bits per pixel + lambda * distortion, for all lambdas and tunes at once."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...config import RateConfig
from ..ssimulacra2 import Parts, for_the_eye
from .config import TrainConfig


class Loss(NamedTuple):
    """What one batch costs; 0-d tensors, means over the batch."""

    loss: Tensor
    """(bpp + lmbda * distortion) / (lmbda / lmbda_mid)^weighting."""
    bpp: Tensor
    """Bits per pixel."""
    mse: Tensor
    """Squared error on the scale 0..255."""


def rate_distortion(
    x: Tensor,
    x_hat: Tensor,
    bits: Tensor,
    t: Tensor,
    rate: RateConfig,
    options: TrainConfig,
    seen: Tensor | None = None,
    parts: Parts | None = None,
) -> Loss:
    """Loss of x_hat (B, 3, H, W) against x, where `bits` (B,) were paid.

    `t` (B, 2) says what each picture is coded for: its quality, from which lambda follows, and its
    tune, 0 for squared error or above for the eye. `seen` are the indices of those for the eye, as
    `for_eyes` finds them: given, a GPU need not be waited for. `parts`: see `distances`.
    """
    seen = for_eyes(t, options) if seen is None else seen
    bpp = bits.float() / x[0, 0].numel()
    mse = 255**2 * (x_hat.float() - x).square().mean(dim=(1, 2, 3))
    lmbda = rate.lmbda_mid * torch.exp(rate.half_range * t[:, 0])
    distortion = mse
    if len(seen):
        original, painted, squared = (v.index_select(0, seen) for v in (x, x_hat, mse))
        how = (options.eye_share, options.eye_rate, parts)
        costs = for_the_eye(original, painted, squared, *how)
        distortion = mse.index_copy(0, seen, costs)
    # Along a typical R-D curve bpp and lmbda * mse both grow about like sqrt(lmbda): without the
    # division the high qualities would own the gradient.
    loss = (bpp + lmbda * distortion) / (lmbda / rate.lmbda_mid) ** options.weighting
    return Loss(loss.mean(), bpp.mean().detach(), mse.mean().detach())


def for_eyes(t: Tensor, options: TrainConfig) -> Tensor:
    """(n,) indices of the pictures, coded for t (B, 2), whose distortion is what is seen of it."""
    tuned = t[:, 1] > 0 if options.tune == "both" else torch.tensor(options.tune == "eye")
    return tuned.expand(len(t)).nonzero()[:, 0]


def draw_aims(rate: RateConfig, options: TrainConfig, count: int, step: int) -> Tensor:
    """(count, 2) qualities and tunes as the networks take them, the same ones for the same step.

    Qualities are even over the range of their tune and stratified (one from each of `count` equal
    parts, shuffled), which makes the loss less noisy. Two tunes take turns along the range.
    """
    rng = np.random.default_rng((options.seed, step, 0x1A3BDA))
    shares = (np.arange(count) + rng.random(count)) / count
    tune = {"psnr": 0, "eye": 1, "both": (np.arange(count) + rng.integers(2)) % 2}[options.tune]
    tunes = np.broadcast_to(tune, count) * float(bool(rate.eye))
    low, high = np.where(tunes[:, None] > 0, rate.ends("eye"), rate.ends("psnr")).T
    aims = np.stack((low + (high - low) * shares, tunes), 1)
    return torch.from_numpy(rng.permutation(aims)).float()
