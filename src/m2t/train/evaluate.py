"""Rate and distortion on held-out crops during training (estimated bits, no files)."""

from typing import Any

import torch
from torch import Tensor, nn

from ..config import RateConfig
from .loss import rate_distortion

QUALITIES = (10, 30, 50, 70, 90)


@torch.inference_mode()
def evaluate(model: nn.Module, crops: list[Tensor], rate: RateConfig) -> dict[str, Any]:
    """Mean loss of all qualities, and the list of quality, bpp, PSNR (dB), loss of each.

    crops: (1, 3, H, W) uint8 each. bpp and PSNR are means over the crops.
    """
    device = next(model.parameters()).device
    points = torch.zeros(len(QUALITIES), 3, dtype=torch.float64)
    was_training = model.training
    model.eval()
    for crop in crops:
        x = crop.to(device).float() / 255
        for row, quality in enumerate(QUALITIES):
            lmbda = torch.full((1,), rate.lmbda(quality), device=device)
            out = model(x, lmbda)
            loss, bpp, mse = rate_distortion(x, out.x_hat.clamp(0, 1), out.bits, lmbda, rate)
            psnr = 10 * torch.log10(255**2 / mse.clamp(min=1e-10))
            points[row] += torch.stack([bpp, psnr, loss]).cpu() / len(crops)
    model.train(was_training)
    names = ("bpp", "psnr", "loss")
    rows = [
        {"quality": quality, **{n: round(v, 5) for n, v in zip(names, row, strict=True)}}
        for quality, row in zip(QUALITIES, points.tolist(), strict=True)
    ]
    return {"loss": round(points[:, 2].mean().item(), 5), "points": rows}
