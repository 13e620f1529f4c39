"""Checkpoints of a run: one safetensors file each, with JSON in its metadata; no pickle.

RUN/checkpoints/00001200.safetensors   model.*, ema.*, muon.<param>.*, adam.<param>.*, rng,
                                       largest.<place>
RUN/model.safetensors                  the averaged weights, ready for use
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ...errors import ModelError
from ..files import read_tensors, write_tensors
from .ema import Ema

FOLDER = "checkpoints"
KEEP = 2  # the newest checkpoint and one to fall back on

Optimizers = dict[str, torch.optim.Optimizer]


def checkpoints(out: Path) -> list[Path]:
    """Those of the run in `out`, oldest first."""
    return sorted((out / FOLDER).glob("*.safetensors"))


def save(
    out: Path,
    progress: dict[str, Any],
    model: nn.Module,
    ema: Ema,
    optimizers: Optimizers,
    largest: dict[str, Tensor],
) -> Path:
    """Write checkpoint progress["step"]; a crash at any moment leaves the older ones whole."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"ema.{name}": value for name, value in ema.average.items()}
    tensors |= {f"largest.{place}": value for place, value in largest.items()}
    for label, optimizer in optimizers.items():
        for name, param in model.named_parameters():
            for key, value in optimizer.state.get(param, {}).items():
                tensors[f"{label}.{name}.{key}"] = value
    tensors["rng"] = torch.get_rng_state()
    path = out / FOLDER / f"{progress['step']:08d}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors, {"progress": json.dumps(progress)})
    for old in checkpoints(out)[:-KEEP]:
        old.unlink()
    return path


def load_newest(
    out: Path, model: nn.Module, ema: Ema, optimizers: Optimizers, largest: dict[str, Tensor]
) -> dict[str, Any] | None:
    """Restore the newest whole checkpoint and return its progress; None where there is none."""
    paths = checkpoints(out)
    for path in reversed(paths):
        try:
            tensors, progress = _read(path)
        except (SafetensorError, OSError):
            continue  # cut short by a crash: the one before is whole
        _restore(tensors, model, ema, optimizers, largest)
        return progress
    if paths:
        raise ModelError(f"no checkpoint in {out / FOLDER} can be read")
    return None


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(path, "pt") as file:
        return read_tensors(file), json.loads(file.metadata()["progress"])


@torch.no_grad()
def _restore(
    tensors: dict[str, Tensor],
    model: nn.Module,
    ema: Ema,
    optimizers: Optimizers,
    largest: dict[str, Tensor],
) -> None:
    def part(label: str) -> dict[str, Tensor]:
        prefix = f"{label}."
        return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}

    try:
        model.load_state_dict(part("model"))
    except RuntimeError as error:
        raise ModelError(f"the checkpoint is of another model: {error}") from error
    for name, value in part("ema").items():
        ema.average[name].copy_(value)
    parameters = dict(model.named_parameters())
    device = next(iter(parameters.values())).device
    largest.update({place: value.to(device) for place, value in part("largest").items()})
    for label, optimizer in optimizers.items():
        for full, value in part(label).items():
            name, _, key = full.rpartition(".")
            param = parameters[name]
            # Like the parameter, memory layout included: fused kernels expect it.
            like = param if value.shape == param.shape else value.to(param.device)
            optimizer.state[param][key] = torch.empty_like(like, dtype=value.dtype).copy_(value)
    torch.set_rng_state(tensors["rng"])
