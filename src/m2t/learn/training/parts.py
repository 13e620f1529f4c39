"""How fast each part of the model computes in training, and what a plain product reaches."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ...config import STRIDE
from ...timing import median_seconds
from ..devices.precision import products
from .trainer import Trainer


def measure_stages(trainer: Trainer, batch: Tensor, num_runs: int) -> list[dict[str, Any]]:
    """Forward and backward passes of each part, and its main product by itself, in the same type.

    Args:
        batch: (B, 3, H, W) uint8.
    """
    model, device = trainer.model.train(), trainer.world.device
    config = model.config
    x = batch.to(device).float() / 255
    t = torch.zeros(len(x), 2, device=device)
    with torch.no_grad(), trainer.autocast():
        y = model.analyse(x, t)
    y_hat = y.round().requires_grad_()
    noisy = (y + torch.rand_like(y) - 0.5).requires_grad_()
    width, wide = config.transform.width, config.entropy.width
    parts: dict[str, tuple[Callable[[], Tensor], int, int]] = {
        "analysis": (lambda: model.analyse(x, t), 9 * width, width),
        "synthesis": (lambda: model.synthesise(y_hat, t), 9 * width, width),
        "entropy": (lambda: model.rate(noisy, y_hat, t), wide, config.entropy.mlp_width),
    }
    rows = x.numel() // (3 * STRIDE**2)
    stages = []
    for name, (forward, inner, columns) in parts.items():
        seconds, flops = _both_ways(trainer, forward, num_runs)
        plain = _plain_product(trainer, rows, inner, columns, num_runs)
        stages.append(
            {
                "name": name,
                "ms": round(1000 * seconds, 3),
                "gflop": round(flops / 1e9, 5),
                "gflops_per_second": round(flops / 1e9 / seconds, 1),
                "product": [rows, inner, columns],
                "product_gflops_per_second": round(plain / 1e9, 1),
            }
        )
    return stages


def _both_ways(
    trainer: Trainer, forward: Callable[[], Tensor], num_runs: int
) -> tuple[float, float]:
    """(seconds, floating-point operations) of a forward and a backward pass."""

    def run() -> None:
        with trainer.autocast():
            out = forward()
        out.float().sum().backward()
        trainer.model.zero_grad(set_to_none=True)

    with FlopCounterMode(display=False) as counter:
        run()
    return _seconds(run, trainer.world.device, num_runs), float(counter.get_total_flops())


def _plain_product(trainer: Trainer, rows: int, inner: int, columns: int, num_runs: int) -> float:
    """Operations per second of (rows, inner) @ (inner, columns)."""
    dtype = products(trainer.config.train.dtype, trainer.world.device)
    left = torch.randn(rows, inner, device=trainer.world.device, dtype=dtype)
    right = torch.randn(inner, columns, device=trainer.world.device, dtype=dtype)
    seconds = _seconds(lambda: left @ right, trainer.world.device, 10 * num_runs)
    return 2 * rows * inner * columns / seconds


def _seconds(run: Callable[[], object], device: torch.device, num_runs: int) -> float:
    """Median time of a run."""

    def whole() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return median_seconds(whole, num_runs)
