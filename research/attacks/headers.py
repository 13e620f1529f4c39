"""Changes headers of weights as the JSON that they are: few bytes changed at random still are some.

A header is that of a safetensors file, in whose metadata the model's configuration is JSON again.
"""

import json
import math
import random
from copy import deepcopy
from typing import Any

import numpy as np

from m2t.weights.file import CONFIG_KEY
from m2t.weights.safetensors import LENGTH_BYTES, TYPES

LARGEST = 1 << 22
"""Bytes of all tensors."""
VALUES: list[Any] = [
    *(0, 1, -1, 2, 3, 7, 8, 64, 255, 1 << 16, 1 << 31, 1 << 63, 10**30),
    *(0.5, -0.5, 1e-320, 1e308, float("inf"), float("nan")),
    *(True, False, None, "", "1", "light", [], [0], [1, 2], {}, {"a": 1}),
    *TYPES,
]
"""What may stand anywhere."""


def divided(file: bytes) -> tuple[bytes, bytes]:
    """The header of a file of weights, and the bytes of its tensors."""
    end = LENGTH_BYTES + int.from_bytes(file[:LENGTH_BYTES], "little")
    return file[LENGTH_BYTES:end], file[end:]


def united(header: bytes, tensors: bytes) -> bytes:
    """A file of weights."""
    return len(header).to_bytes(LENGTH_BYTES, "little") + header + tensors


def mutated(header: bytes, rng: random.Random) -> bytes | None:
    """A header of which some parts are others; None where it is no JSON object."""
    document = _object(header)
    if document is None:
        return None
    metadata = document.get("__metadata__")
    config = metadata.get(CONFIG_KEY) if isinstance(metadata, dict) else None
    options = _object(config) if isinstance(config, str) else None
    for _ in range(rng.randint(1, 3)):
        _mutate(options if options is not None and rng.random() < 0.5 else document, rng)
    metadata = document.get("__metadata__")
    if options is not None and isinstance(metadata, dict) and metadata.get(CONFIG_KEY) == config:
        metadata[CONFIG_KEY] = json.dumps(options)
    return json.dumps(document).encode()


def _mutate(document: dict[str, Any], rng: random.Random) -> None:
    """Change one place of it."""
    places = list(_places(document))
    if not places:
        return
    holder, key = rng.choice(places)
    value = holder[key]
    match rng.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(value, int | float):
            holder[key] = rng.choice([value + 1, value - 1, 2 * value, value // 2, -value])
        case 2 if isinstance(holder, dict):
            holder[rng.choice([f"{key}.", "width", "integer.norm.eps"])] = holder.pop(key)
        case 3:
            other, name = rng.choice(places)
            holder[key] = deepcopy(other[name])
        case _:
            holder[key] = deepcopy(rng.choice(VALUES))


def _places(value: Any) -> Any:
    """All that could be changed: what holds a value, and where in it."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)


def _object(text: bytes | str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def laid_out(header: bytes, tensors: bytes) -> bytes | None:
    """A header whose tensors follow each other, and their bytes; None where shapes are no shapes.

    Bytes are those of sound tensors, again and again.
    """
    document = _object(header)
    if document is None:
        return None
    end = 0
    for name, entry in document.items():
        if name == "__metadata__":
            continue
        try:
            item = np.dtype(TYPES[entry["dtype"]]).itemsize
            num_bytes = item * math.prod(entry["shape"])
            entry["data_offsets"] = [end, end + num_bytes]
            end += num_bytes
        except (TypeError, ValueError, KeyError, OverflowError):
            return None
        if not isinstance(end, int) or not 0 <= end <= LARGEST:
            return None
    text = json.dumps(document).encode()
    body = (tensors * (end // len(tensors) + 1))[:end]
    return united(text, body)
