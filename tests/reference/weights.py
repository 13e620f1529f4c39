"""The file of a model: safetensors, and the id by which files of pictures name it.

docs/format.md, "Weights".
"""

import hashlib
import json
import math
from typing import Any, NamedTuple

import numpy as np

from .reader import Reader, require

MAX_HEADER = 100_000_000
TYPES = {
    "F64": ("<f8", "float64"),
    "F32": ("<f4", "float32"),
    "F16": ("<f2", "float16"),
    "BF16": ("<u2", "bfloat16"),
    "I64": ("<i8", "int64"),
    "I32": ("<i4", "int32"),
    "I16": ("<i2", "int16"),
    "I8": ("i1", "int8"),
    "U8": ("u1", "uint8"),
}
"""How elements lie in the file, and their name in the hash after `torch.`."""


class Weights(NamedTuple):
    """A model."""

    config: dict[str, Any]
    tensors: dict[str, np.ndarray]
    model_id: bytes


def read_weights(data: bytes) -> Weights:
    """Read a model."""
    reader = Reader(data)
    num_bytes = reader.integer(8)
    require(num_bytes <= MAX_HEADER, "the header is too long")
    entries = json.loads(reader.take(num_bytes), object_pairs_hook=without_doubles)
    config = entries.pop("__metadata__")["m2t_config"]
    digest = hashlib.sha256(config.encode())
    raw, tensors = reader.rest(), {}
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        start, stop = entry["data_offsets"]
        layout, shape = TYPES[entry["dtype"]][0], tuple(entry["shape"])
        require(start == end, "tensors overlap, or leave holes")
        size = np.dtype(layout).itemsize * math.prod(shape)
        require(stop - start == size and stop <= len(raw), f"the size of {name} is wrong")
        tensors[name] = np.frombuffer(raw[start:stop], layout).reshape(shape)
        end = stop
    require(end == len(raw), "bytes follow the last tensor")
    for name in sorted(tensors):
        kind = TYPES[entries[name]["dtype"]][1]
        digest.update(f"{name} torch.{kind} {tensors[name].shape}".encode("ascii"))
        digest.update(tensors[name].tobytes())
    return Weights(json.loads(config), tensors, digest.digest()[:8])


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, no name of which occurs twice."""
    require(len(dict(pairs)) == len(pairs), "a name occurs twice")
    return dict(pairs)
