"""Where the time of a training step goes: the share of matrix products and convolutions."""

import json
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from .data import prefetch
from .parts import measure_stages
from .trainer import Trainer

PRODUCTS = ("mm", "bmm", "addmm", "baddbmm", "linear", "convolution", "attention")
NUM_WARMUP_STEPS = 2


def profile_steps(trainer: Trainer, num_steps: int, path: Path) -> dict[str, Any]:
    """Profile `num_steps` steps, and as many forward and backward passes alone; JSON to `path`.

    A share is the time inside products and convolutions over the wall time of the same steps:
    Python, data and element-wise passes count against it. Each part of the model is measured by
    itself too (stages.py).
    """
    batches = prefetch(trainer.crops, trainer.progress.step)
    for batch in islice(batches, NUM_WARMUP_STEPS):
        trainer.step(batch)
    some = list(islice(batches, num_steps))
    device = trainer.world.device.type
    result = {
        "device": device,
        "threads": torch.get_num_threads(),
        "forward_backward": _measure(trainer.backward, some, device),
        "step": _measure(trainer.step, some, device),
        "stages": measure_stages(trainer, some[0], num_steps),
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
    return result


def _measure(work: Callable[[Tensor], Tensor], batches: list[Tensor], device: str) -> dict:
    activities = [ProfilerActivity.CPU]
    if device == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        began = time.monotonic()
        for batch in batches:
            work(batch)
        if device == "cuda":
            torch.cuda.synchronize()
        wall_ms = (time.monotonic() - began) * 1000
    table = _table(profiler, device, len(batches))
    product_ms = sum(row["ms"] for row in table if row["product"])
    return {
        "wall_ms": round(wall_ms / len(batches), 2),
        "product_ms": round(product_ms, 2),
        "share": round(product_ms * len(batches) / wall_ms, 4),
        "operations": table[:30],
    }


def _table(profiler: profile, device: str, num_steps: int) -> list[dict[str, Any]]:
    """Operations by the time spent in them alone, in ms per step."""
    rows = []
    for event in profiler.key_averages():
        micros = event.self_device_time_total if device == "cuda" else event.self_cpu_time_total
        words = event.key.removeprefix("aten::").strip("_").split("_")
        row = {
            "name": event.key,
            "calls": event.count / num_steps,
            "ms": round(micros / 1000 / num_steps, 3),
            "product": event.key.startswith("aten::") and any(word in PRODUCTS for word in words),
        }
        rows.append(row)
    return sorted(rows, key=lambda row: -row["ms"])
