"""The log of a run: JSON lines in RUN/log.jsonl, TensorBoard if asked for."""

import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...atomic import replacing
from ...errors import ConfigError
from .distributed import World


class Log:
    """Writes records; a resumed run first drops those of steps that it will do again."""

    def __init__(self, out: Path, step: int, tensorboard: bool) -> None:
        self._path = out / "log.jsonl"
        kept = [line for line in _lines(self._path) if _step(line) <= step]
        with replacing(self._path) as temporary:
            temporary.write_text("".join(line + "\n" for line in kept))
        self._board = _summary_writer(out / "tensorboard", step) if tensorboard else None

    def write(self, kind: str, step: int, record: dict[str, Any]) -> None:
        """Append a record of `kind` "train" or "eval" after `step` steps."""
        with self._path.open("a") as file:
            file.write(json.dumps({"kind": kind, "step": step, **record}) + "\n")
        if self._board is not None:
            for name, value in record.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Finish TensorBoard's file."""
        if self._board is not None:
            self._board.close()


class Meter:
    """Means and speeds of the steps since it was made."""

    def __init__(self) -> None:
        self._sums = torch.zeros(4)
        self._num_steps = self._num_crops = self._num_pixels = 0
        self._began = time.monotonic()

    def add(self, batch: Tensor, num_ranks: int, measured: Tensor) -> None:
        """Count a step: one process's share of a batch, and what Trainer.step() returned."""
        self._sums = self._sums.to(measured.device) + measured
        self._num_steps += 1
        self._num_crops += len(batch) * num_ranks
        self._num_pixels += batch[:, 0].numel() * num_ranks

    def record(self, world: World) -> dict[str, float]:
        """For the log: means over steps and processes, which must all ask together."""
        seconds = time.monotonic() - self._began
        loss, bpp, mse, norm = world.average(self._sums / self._num_steps).tolist()
        return {
            "loss": round(loss, 5),
            "bpp": round(bpp, 5),
            "mse": round(mse, 4),
            "grad_norm": round(norm, 4),
            "crops_per_second": round(self._num_crops / seconds, 2),
            "pixels_per_second": round(self._num_pixels / seconds),
        }


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _step(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except ValueError:
        return float("inf")  # a line cut short by a crash


def _summary_writer(folder: Path, step: int):
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            'train.tensorboard needs the package tensorboard: pip install "m2t[train]"'
        ) from error
    return SummaryWriter(str(folder), purge_step=step + 1)
