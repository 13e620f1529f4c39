"""Rate and distortion on held-out crops during training (estimated bits, no files)."""

from typing import Any

import torch
from torch import Tensor, nn

from ...config import Aim
from ..ssimulacra2 import distances, score
from .config import RunConfig
from .loss import rate_distortion

QUALITIES = (10, 30, 50, 70, 90)


@torch.inference_mode()
def evaluate(model: nn.Module, crops: list[Tensor], config: RunConfig) -> dict[str, Any]:
    """Mean loss of all aims, and the list of quality, tune, bpp, PSNR (dB), SSIMULACRA2 and loss.

    crops: (1, 3, H, W) uint8 each. All but the loss are means over the crops.
    """
    device, rate = next(model.parameters()).device, config.model.rate
    aims = [Aim(quality, tune) for tune in rate.tunes for quality in QUALITIES]
    points = torch.zeros(len(aims), 4, dtype=torch.float64)
    was_training = model.training
    model.eval()
    for crop in crops:
        x = crop.to(device).float() / 255
        for row, aim in enumerate(aims):
            t = torch.tensor([rate.t(aim)], device=device)
            out = model(x, t)
            x_hat = out.x_hat.clamp(0, 1)
            loss, bpp, mse = rate_distortion(x, x_hat, out.bits, t, rate, config.train)
            psnr = 10 * torch.log10(255**2 / mse.clamp(min=1e-10))
            seen = score(distances(x, x_hat)).mean()
            points[row] += torch.stack([bpp, psnr, seen, loss]).cpu() / len(crops)
    model.train(was_training)
    names = ("bpp", "psnr", "ssimulacra2", "loss")
    rows = [
        {**aim._asdict(), **{n: round(v, 5) for n, v in zip(names, row, strict=True)}}
        for aim, row in zip(aims, points.tolist(), strict=True)
    ]
    return {"loss": round(points[:, 3].mean().item(), 5), "points": rows}
