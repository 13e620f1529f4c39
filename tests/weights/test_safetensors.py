"""Weights are read as they lie on disk, and nothing else is taken for weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from m2t.weights.safetensors import LARGEST_HEADER, parse

A = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
B = {"dtype": "I8", "shape": [5], "data_offsets": [24, 29]}
DATA = np.arange(6, dtype="<f4").tobytes() + bytes([1, 2, 3, 254, 255])


def pack(header: object, data: bytes = DATA) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_tensors_and_metadata() -> None:
    tensors, metadata = parse(pack({"__metadata__": {"k": "v"}, "b": B, "a": A}))
    assert metadata == {"k": "v"}
    assert tensors["a"].kind == "F32"
    assert np.array_equal(tensors["a"].array, np.arange(6).reshape(2, 3))
    assert tensors["b"].array.tolist() == [1, 2, 3, -2, -1]
    assert all(stored.array.dtype.isnative for stored in tensors.values())
    with pytest.raises(ValueError, match="read-only"):
        tensors["a"].array[0] = 1


def test_scalars_and_empty_tensors() -> None:
    one = {"dtype": "F64", "shape": [], "data_offsets": [0, 8]}
    none = {"dtype": "F64", "shape": [0, 9], "data_offsets": [8, 8]}
    tensors, _ = parse(pack({"one": one, "none": none}, np.float64(0.5).tobytes()))
    assert (tensors["one"].array.shape, tensors["none"].array.shape) == ((), (0, 9))
    assert float(tensors["one"].array) == 0.5


def test_tensors_may_lie_anywhere() -> None:
    """At odd addresses they are copied: C reads them where they are."""
    a, b = A | {"data_offsets": [5, 29]}, B | {"data_offsets": [0, 5]}
    tensors, _ = parse(pack({"a": a, "b": b}, DATA[24:] + DATA[:24]))
    assert tensors["a"].array.flags.aligned
    assert np.array_equal(tensors["a"].array, np.arange(6).reshape(2, 3))


WRONG: dict[str, bytes] = {
    "nothing": b"",
    "a length alone": bytes(8),
    "a length beyond the end": pack({"a": A})[:20],
    "a giant length": (LARGEST_HEADER + 1).to_bytes(8, "little") + DATA,
    "no JSON": pack(b"{a: 1}"),
    "no UTF-8": pack(b'{"\xff": 1}'),
    "deep JSON": pack(b"[" * 100_000),
    "a list": pack([A]),
    "one name twice": pack(b'{"a": ' + json.dumps(A).encode() + b', "a": 0}'),
    "metadata that are no texts": pack({"__metadata__": {"k": 1}, "a": A, "b": B}),
    "an entry that is no object": pack({"a": 3}),
    "an entry with more": pack({"a": A | {"x": 1}, "b": B}),
    "an unknown type": pack({"a": A | {"dtype": "F8"}, "b": B}),
    "a type that is a list": pack({"a": A | {"dtype": ["F32"]}, "b": B}),
    "a negative size": pack({"a": A | {"shape": [-2, -3]}, "b": B}),
    "a size that is a float": pack({"a": A | {"shape": [2.0, 3]}, "b": B}),
    "a size that is a bool": pack({"a": A | {"shape": [True, 6]}, "b": B}),
    "giant sizes": pack({"a": A | {"shape": [2**62, 2**62]}, "b": B}),
    "another size": pack({"a": A | {"shape": [2, 4]}, "b": B}),
    "a hole": pack({"a": A, "b": B | {"data_offsets": [25, 30]}}, DATA + b"x"),
    "an overlap": pack({"a": A, "b": B | {"data_offsets": [23, 28]}}),
    "offsets in reverse": pack({"a": A | {"data_offsets": [24, 0]}, "b": B}),
    "bytes behind": pack({"a": A, "b": B}, DATA + b"x"),
    "too few bytes": pack({"a": A, "b": B}, DATA[:-1]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(WRONG[name])


def test_a_file_cut_anywhere_is_refused(weights: Path) -> None:
    data = weights.read_bytes()
    for end in [*range(0, 200), *range(200, len(data), 997)]:
        with pytest.raises(ValueError, match=r"."):
            parse(data[:end])
