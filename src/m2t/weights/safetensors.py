"""Reading safetensors with NumPy alone, trusting nothing in them. docs/format.md has the layout.

The safetensors package, compiled from Rust, is not to be had on every machine that decodes.
"""

import json
import math
import mmap
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Buffer = bytes | mmap.mmap
"""What a file holds."""
LENGTH_BYTES = 8
LARGEST_HEADER = 100_000_000
MOST_DIMENSIONS = 8
TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # NumPy has no such floats: their bits
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
}
"""How NumPy calls the types of elements."""


class Stored(NamedTuple):
    """A tensor as it lies in a file."""

    kind: str
    """Type of its elements: a key of TYPES."""
    array: NDArray[Any]
    """In this machine's byte order, read-only; bfloat16 as the bits, uint16."""


def parse(data: Buffer) -> tuple[dict[str, Stored], dict[str, str]]:
    """Tensors and metadata of a safetensors file; ValueError where it is none."""
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    start = LENGTH_BYTES + length
    if len(data) < LENGTH_BYTES or length > LARGEST_HEADER or start > len(data):
        raise ValueError("its header is cut short")
    try:
        header = json.loads(data[LENGTH_BYTES:start].decode(), object_pairs_hook=_unique)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError("its header is not JSON") from error
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    metadata = header.pop("__metadata__", {})
    texts = isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values())
    if not texts:
        raise ValueError("its metadata are not texts")
    "".join(header).encode()  # half a character of UTF-16, which JSON can spell, is no text
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    end = start
    for name, (kind, shape, (first, last)) in sorted(entries.items(), key=lambda e: e[1][2]):
        num_bytes = math.prod(shape) * np.dtype(TYPES[kind]).itemsize
        if start + first != end or last - first != num_bytes:
            raise ValueError(f"tensor {name} does not follow the one before")
        end = start + last
    if end != len(data):
        raise ValueError(f"{len(data)} bytes, where its tensors end at {end}")
    return {n: _stored(data, start, *entry) for n, entry in entries.items()}, metadata


Entry = tuple[str, tuple[int, ...], tuple[int, int]]
"""Type, shape, and where a tensor begins and ends among them all."""


def _entry(name: str, entry: Any) -> Entry:
    """What the header says of a tensor, checked by itself."""
    known = isinstance(entry, Mapping) and set(entry) == {"dtype", "shape", "data_offsets"}
    if not known or entry["dtype"] not in [*TYPES]:
        raise ValueError(f"tensor {name} is of no known type")
    shape, offsets = entry["shape"], entry["data_offsets"]
    sizes = _naturals(shape) and len(shape) <= MOST_DIMENSIONS
    if not (sizes and _naturals(offsets) and len(offsets) == 2):
        raise ValueError(f"tensor {name} has no shape or place")
    return entry["dtype"], tuple(shape), (offsets[0], offsets[1])


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**63 for v in values)


def _stored(
    data: Buffer, start: int, kind: str, shape: tuple[int, ...], place: tuple[int, int]
) -> Stored:
    array = np.frombuffer(data, TYPES[kind], math.prod(shape), start + place[0])
    native = array.dtype.newbyteorder("=")
    array = np.require(array.astype(native, copy=False), requirements="A").reshape(shape)
    array.flags.writeable = False
    return Stored(kind, array)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object's members; ValueError where two have one name."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("two tensors have one name")
    return members
