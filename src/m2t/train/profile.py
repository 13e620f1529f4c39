"""Where the time of a training step goes: the share of matrix products and convolutions."""

import json
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.profiler import ProfilerActivity, profile

from .data import prefetch

if TYPE_CHECKING:
    from .loop import Trainer

PRODUCTS = ("mm", "bmm", "addmm", "baddbmm", "linear", "convolution", "conv", "attention")


def profile_steps(trainer: "Trainer", num_steps: int, path: Path) -> dict[str, Any]:
    """Time `num_steps` steps and write a table of operations, as JSON, to `path`.

    `share` is the time inside products and convolutions, as the profiler sees it, over the whole
    step's wall time without the profiler: Python, data and element-wise passes count against it.
    """
    batches = prefetch(trainer.crops.batch, trainer.progress.step)
    for batch in islice(batches, 3):  # warm up caches and kernels
        trainer.step(batch)
    timed = list(islice(batches, num_steps))
    seconds = sum(_seconds(trainer, batch) for batch in timed) / num_steps
    activities = [ProfilerActivity.CPU]
    if trainer.world.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        for batch in timed:
            trainer.step(batch)
    table = _table(profiler, num_steps)
    products = sum(row["ms"] for row in table if row["product"])
    result = {
        "device": str(trainer.world.device),
        "step_ms": round(seconds * 1000, 2),
        "products_ms": round(products, 2),
        "share": round(products / (seconds * 1000), 4),
        "operations": table[:40],
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
    return result


def _seconds(trainer: "Trainer", batch: torch.Tensor) -> float:
    began = time.monotonic()
    trainer.step(batch)
    if trainer.world.device.type == "cuda":
        torch.cuda.synchronize()
    return time.monotonic() - began


def _table(profiler: profile, num_steps: int) -> list[dict[str, Any]]:
    """Operations by time spent in them alone, in ms per step."""
    rows = []
    for event in profiler.key_averages():
        micros = event.self_device_time_total or event.self_cpu_time_total
        words = event.key.removeprefix("aten::").strip("_").split("_")
        rows.append(
            {
                "name": event.key,
                "calls": event.count / num_steps,
                "ms": round(micros / 1000 / num_steps, 3),
                "product": any(word in PRODUCTS for word in words),
            }
        )
    return sorted(rows, key=lambda row: -row["ms"])
