"""What errors of pixels cost with each tune, and what to expect of moves that mend them.

With the tune "psnr" it is the squared error. With "eye" it is what training took for it
(ssimulacra2.py), of blocks as large as the crops there.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ...config import STRIDE, Tune
from ...engine.distortion import BLOCK, STIFFNESS
from ...geometry.windows import cut
from ..ssimulacra2 import SMALLEST, for_the_eye


def pixel_slopes(x: Tensor, x_hat: Tensor, tune: Tune) -> tuple[Tensor, Tensor]:
    """What a change of each pixel costs, to first order, and how far that holds.

    Args:
        x: (3, H, W) in [0, 1].
        x_hat: the same, as it was painted: not clamped.

    Returns:
        (3, H, W) gradient of the distortion, summed over pixels; and (h, w), by how much more than
        to squared error the tokens matter to it, which is what to multiply curvatures by.
    """
    inside = (x_hat >= 0) & (x_hat <= 1)
    squared = 2 / 3 * 255**2 * (x_hat.clamp(0, 1) - x) * inside
    rows, columns = (-(-side // STRIDE) for side in x.shape[1:])
    if tune == "psnr" or min(x.shape[1:]) < SMALLEST:
        return squared, torch.ones(rows, columns, device=x.device)
    seen = torch.zeros_like(squared)
    for window in cut(rows, columns, BLOCK):
        block = (slice(None), _pixels(window.rows), _pixels(window.columns))
        seen[block] = _seen_slopes(x[block][None], x_hat[block][None])[0]
    ratio = (_energy(seen) / _energy(squared).clamp_min(1e-6)).sqrt()
    return seen, STIFFNESS * (ratio * ratio.mean()).sqrt()


def _pixels(tokens: slice) -> slice:
    return slice(tokens.start * STRIDE, tokens.stop * STRIDE)


@torch.enable_grad()
def _seen_slopes(x: Tensor, x_hat: Tensor) -> Tensor:
    x_hat = x_hat.detach().requires_grad_()
    clamped = x_hat.clamp(0, 1)
    mse = 255**2 * (clamped - x).square().mean((1, 2, 3))
    cost = for_the_eye(x, clamped, mse).sum() * x[0, 0].numel()
    return torch.autograd.grad(cost, x_hat)[0]


def _energy(gradient: Tensor) -> Tensor:
    """(h, w): mean square of (3, H, W) in each token, and a little in those around it."""
    means = F.avg_pool2d(gradient.square().mean(0)[None, None], STRIDE, ceil_mode=True)
    return F.avg_pool2d(F.pad(means, (1, 1, 1, 1), mode="replicate"), 3, stride=1)[0, 0]
