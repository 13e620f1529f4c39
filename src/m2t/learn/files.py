"""PyTorch's tensors in safetensors files: written whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..atomic import replacing
from ..config import ModelConfig
from ..weights import Weights
from ..weights.file import CONFIG_KEY


def save_model(
    path: str | os.PathLike[str], config: ModelConfig, state: Mapping[str, Tensor]
) -> None:
    """Write weights and config to `path`."""
    write_tensors(Path(path), state, {CONFIG_KEY: config.to_json()})


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file that appears under its name only when it is whole and on the disk."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(stored, temporary, metadata)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())


def read_tensors(file: Any) -> dict[str, Tensor]:
    """All tensors of an opened safetensors file."""
    return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping


def tensors_of(weights: Weights) -> dict[str, Tensor]:
    """The tensors of a model, in memory of their own."""
    tensors = {}
    for name, (kind, array) in weights.tensors.items():
        tensor = torch.from_numpy(array.copy())
        tensors[name] = tensor.view(torch.bfloat16) if kind == "BF16" else tensor
    return tensors
