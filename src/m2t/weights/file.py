"""A model on disk: its configuration and its tensors, and the id that follows from them.

The id is a hash of the configuration and of every weight that takes part in decoding, so a file can
name the weights it needs whatever they are called and wherever they lie.
"""

import hashlib
import mmap
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config import ModelConfig
from ..errors import ConfigError, ModelError
from .safetensors import TYPES, Stored, parse

MODEL_ID_BYTES = 8
CONFIG_KEY = "m2t_config"
"""Of the configuration, among a file's metadata."""
INTEGER = "integer."
"""Prefix of the tensors of an exported entropy model."""
LAPPED = "lapped."
"""Prefix of the tensors of exported transforms."""
HASHED_AS = {
    "F64": "torch.float64",
    "F32": "torch.float32",
    "F16": "torch.float16",
    "BF16": "torch.bfloat16",
    "I64": "torch.int64",
    "I32": "torch.int32",
    "I16": "torch.int16",
    "I8": "torch.int8",
    "U8": "torch.uint8",
}
"""What stands for a tensor's type in the hash, for ever: so PyTorch once called them."""


class Weights:
    """All that is known of a model."""

    def __init__(self, config: ModelConfig, tensors: Mapping[str, Stored]) -> None:
        self.config, self.tensors = config, tensors

    @cached_property
    def identity(self) -> bytes:
        """The model id: 8 bytes of SHA-256 over the config's JSON and the tensors, by name."""
        digest = hashlib.sha256(self.config.to_json().encode())
        for name in sorted(self.tensors):
            kind, array = self.tensors[name]
            digest.update(f"{name} {HASHED_AS[kind]} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array.astype(TYPES[kind], copy=False)).data)
        return digest.digest()[:MODEL_ID_BYTES]

    @property
    def exported(self) -> bool:
        """Transforms and entropy model are integers."""
        return all(any(n.startswith(p) for n in self.tensors) for p in (INTEGER, LAPPED))

    def below(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The arrays whose names begin so, by the rest of their names."""
        return {
            name.removeprefix(prefix): stored.array
            for name, stored in self.tensors.items()
            if name.startswith(prefix)
        }


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """The model in a safetensors file; ModelError if there is none."""
    try:
        with Path(path).open("rb") as file:
            # Mapped, not read: most of it is looked at once, to be hashed and packed.
            tensors, metadata = parse(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if CONFIG_KEY not in metadata:
            raise ModelError(f"{path}: no m2t model in this file")
        return Weights(ModelConfig.from_json(metadata[CONFIG_KEY]), tensors)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file") from error
    except (ValueError, ConfigError, OSError) as error:
        raise ModelError(f"{path}: not a model file ({error})") from error
