"""What runs of training leave in their folders."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from m2t.learn.training import store


def records(out: Path) -> list[dict[str, Any]]:
    """The log."""
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def newest(out: Path) -> dict[str, Tensor]:
    """The newest checkpoint."""
    return load_file(store.checkpoints(out)[-1])


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether two sets of tensors are equal, bit by bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
