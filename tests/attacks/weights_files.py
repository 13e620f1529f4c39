"""Files of weights that nobody trained: any configuration, any header, any values."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from m2t.config import ModelConfig
from m2t.weights.file import CONFIG_KEY
from m2t.weights.layout import ANY, entropy, transforms
from m2t.weights.safetensors import TYPES

from ..conftest import TINY

Arrays = dict[str, tuple[str, np.ndarray]]
"""Type and elements of each tensor."""


def packed(config: str, arrays: Mapping[str, tuple[str, np.ndarray]]) -> bytes:
    """A file of weights."""
    header: dict[str, Any] = {"__metadata__": {CONFIG_KEY: config}}
    data = b""
    for name, (kind, array) in arrays.items():
        some = np.ascontiguousarray(array).astype(TYPES[kind]).tobytes()
        place = [len(data), len(data) + len(some)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": place}
        data += some
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def unpacked(data: bytes | None = None) -> tuple[dict[str, Any], Arrays]:
    """Configuration and tensors of a file of weights, or of the tiny model."""
    data = data or TINY.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    config = json.loads(header.pop("__metadata__")[CONFIG_KEY])
    arrays = {}
    for name, entry in header.items():
        first, last = (start + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[first:last], TYPES[entry["dtype"]]).reshape(entry["shape"])
        arrays[name] = entry["dtype"], array
    return config, arrays


def fitting(config: ModelConfig) -> Arrays:
    """Tensors of the types and shapes that a configuration asks for."""
    rng, arrays = np.random.default_rng(0), {}
    for name, kind, shape in (*entropy(config), *transforms(config)):
        sizes = [64 if size == ANY else size for size in shape]
        if kind in ("I8", "I16"):
            array = rng.integers(-63, 64, sizes)
        else:
            array = rng.uniform(0.001, 0.02, sizes)
        if name.endswith("exp_table"):
            array = np.linspace(2**14, 0, 64).round()
        arrays[name] = kind, array
    return arrays


MULTIPLIERS = {"enter": 0.01, "first": 0.005, "second": 0.05, "down": 0.005, "leave": 5e-5}
"""With which random weights of the analysis' network fill each stream, and move some tokens."""


def with_network() -> bytes:
    """The tiny model's file, with a network of random weights in the analysis."""
    config, arrays = unpacked()
    config["transform"]["linear_analysis"] = False
    parsed, rng = ModelConfig.from_json(json.dumps(config)), np.random.default_rng(0)
    for name, kind, shape in transforms(parsed):
        if name not in arrays:
            layer, part = name.split(".")[-2:]
            array = rng.uniform(0.5, 1.5, shape) * (30 if part == "gain" else 1)
            if part == "weight":
                array = rng.integers(-63, 64, shape)
            elif part == "multiplier":
                array = array * MULTIPLIERS[layer]
            arrays[name] = kind, array
    return packed(parsed.to_json(), arrays)


def with_options(**options: Any) -> bytes:
    """The tiny model's file, with options of its configuration replaced, by "part.name"."""
    config, arrays = unpacked()
    for key, value in options.items():
        part, _, name = key.partition("__")
        config[part] = config[part] | {name: value} if name else value
    return packed(json.dumps(config), arrays)


HOSTILE_OPTIONS: dict[str, list[Any]] = {
    "entropy__heads": [0, -1, 3, 32, 2**70, 1.5, None, "2", True, []],
    "entropy__width": [0, -32, 1, 2**40, 10**400],
    "entropy__layers": [0, -1, 3, 10**12],
    "entropy__mlp_width": [0, -1, 10**12],
    "entropy__window": [0, 1, 5, 65, -6, 10**12],
    "entropy__mixtures": [0, -1, 9, 4],
    "entropy__slices": [[], [0, 12], [-2, 14], [12], [2, 4, 7], 12, [[2], [4]], [10**12]],
    "entropy__slices_from": [[-2], [-2, -2], [-2, 1, 0], [0, 0, 0], ["x"] * 3, 3, [-2, 0, 1e999]],
    "entropy__head_width": [0, -1, 10**12],
    "entropy__delta": [-1, 10**400, "x"],
    "entropy__style": ["gelu", "tanh", 3, ["relu"]],
    "entropy__masking": ["none", None],
    "entropy__head": ["factorised", ""],
    "entropy__unheard": [1],
    "transform__kind": ["elic", "dct"],
    "transform__latent_channels": [0, -12, 13, 10**12],
    "transform__width": [0, -2, 15, 2, 10**12],
    "transform__blocks": [-1, 2, 10**12],
    "transform__fine_blocks": [-1, 2, 10**12],
    "transform__render_width": [0, -1, 7, 10**12],
    "transform__linear_analysis": [False, 2, None],
    "rate__lmbda_min": [0, -1.0, 5e-324, 1e308, 10**400],
    "rate__lmbda_max": [0, 1e308, 1e-300],
    "rate__eye": [[], [[]], [[1.0]], [[1, 0], [100, 0]], [[1, -1], [100, 1e300]], 3, [[1, 2, 3]]],
    "rate__psnr": [[[1, -1]], [[1, 0], [100, 0]], [[1, -1], [100, 3]], 3, [[1, "x"], [100, 1]]],
    "rate__eye_strength": [1e300, "x"],
    "schedule__steps": [0, -1, 65536, 10**12],
    "schedule__alpha": [0, -1.0, 0.5, 26, 2.25, 1e300],
    "schedule__order": ["entropy", "spiral"],
    "schedule__seed": [-1, 256],
    "entropy": [None, [], 3, {}],
    "rate": ["", {}],
    "name": [3, None],
    "more": [1],
}
"""Each of them contradicts the tensors, the other options, or reason."""


def hostile_options() -> dict[str, bytes]:
    """Files with nonsense in their configuration."""
    files = {
        f"{key} {value!r:.20}": with_options(**{key: value})
        for key, values in HOSTILE_OPTIONS.items()
        for value in values
    }
    config, arrays = unpacked()
    text = json.dumps(config)
    for name, other in {
        "NaN": text.replace("0.08", "NaN"),
        "infinite": text.replace("0.08", "Infinity"),
        "minus infinite": text.replace("0.0005", "-Infinity"),
        "NaN in the dial": text.replace("0.25", "NaN"),
        "no JSON": text[:-1],
        "empty": "",
        "a list": "[]",
        "null": "null",
        "deep": "[" * 100_000,
        "deep and whole": '{"name":' + "[" * 900 + "]" * 900 + "}",
        "deep in a tuple": text.replace("[2, 4, 6]", "[" * 800 + "]" * 800),
        "long number": text.replace('"heads": 2', '"heads": ' + "9" * 5000),
    }.items():
        assert other != text
        files[name] = packed(other, arrays)
    return files


def hostile_tensors() -> Iterator[tuple[str, bytes]]:
    """Files with tensors missing, of other types, of other shapes, or of values that break sums."""
    config, arrays = unpacked(with_network())
    text = json.dumps(config)
    for name, (kind, array) in arrays.items():
        for what, other in _others(name, kind, array).items():
            changed = arrays | {name: other or arrays[name]}
            if other is None:
                del changed[name]
            yield f"{name}: {what}", packed(text, changed)


def _others(name: str, kind: str, array: np.ndarray) -> dict[str, tuple[str, np.ndarray] | None]:
    found: dict[str, tuple[str, np.ndarray] | None] = {}
    if any(part in name for part in ("blocks.1", "analysis.blocks", "analysis.fine.")):
        return found  # as in blocks.0, and in analysis.block
    if "bias" not in name:
        found["missing"] = None
        found["one dimension more"] = kind, array[None]
        found["64 bits"] = "I64" if kind != "F64" else "F32", array
    if array.dtype.kind == "f":
        for value in (np.nan, -np.inf, 1e38):
            found[str(value)] = kind, _first_as(array, value)
        if kind == "F64" or name.endswith(("gains", ".steps", "synthesis.unit")):
            for value in (0, -1, 1e-30):
                found[str(value)] = kind, _first_as(array, value)
    elif name.endswith(".weight"):
        found["lowest"] = kind, _first_as(array, np.iinfo(array.dtype).min)
    if name.endswith("exp_table"):
        for value in (0, -1, 1e9, 0.5):
            found[str(value)] = kind, _first_as(array, value)
        found["without end"] = kind, array[:-1]
        found["ascending"] = kind, array[::-1]
    return found


def _first_as(array: np.ndarray, value: float) -> np.ndarray:
    other = array.copy()
    other.flat[0] = value
    return other


def hostile_headers() -> dict[str, bytes]:
    """Files whose safetensors header is none, or lies."""
    data = TINY.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, rest = data[8 : 8 + length], data[8 + length :]
    entry = b'"x": {"dtype": "F32", "shape": %b, "data_offsets": [0, 0]}, '

    def changed(other: bytes) -> bytes:
        return len(other).to_bytes(8, "little") + other + rest

    def more(text: bytes) -> bytes:
        return changed(b"{" + text + header[1:])

    lengths = (0, 1, length - 1, length + 1, len(data), 2**31, 2**63, 2**64 - 1)
    files = {f"length {n}": n.to_bytes(8, "little") + data[8:] for n in lengths}
    files |= {
        f"cut at {n}": data[:n] for n in (0, 1, 7, 8, 9, 100, length, length + 8, len(data) - 1)
    }
    files |= {
        "longer": data + b"\0",
        "no model": changed(header.replace(CONFIG_KEY.encode(), b"other_key!")),
        "a million dimensions": more(entry % (b"[" + b"9223372036854775807," * 99_999 + b"1]")),
        "nine dimensions": more(entry % b"[1,1,1,1,1,1,1,1,0]"),
        "no elements of giant sizes": more(entry % b"[0,9223372036854775807,9223372036854775807]"),
        "a long number": more(entry % (b"[" + b"9" * 5000 + b"]")),
        "half a character": more(b'"\\ud800": {"dtype":"F32","shape":[0],"data_offsets":[0,0]},'),
        "zip": b"PK\3\4" + data,
        "pickle": b"\x80\4\x95" + data,
        "deep": changed(b"[" * 1_000_000),
    }
    for pattern, text in ((rb'"shape":\[(\d+)', rb'"shape":[-\1'), (rb'"data_offsets":\[0', b"\0")):
        files[f"{pattern!r} changed"] = changed(re.sub(pattern, text, header, count=1))
    return files


UNUSUAL_OPTIONS: dict[str, list[Any]] = {
    "entropy__heads": [1, 8, 16, 32],
    "entropy__mlp_width": [1, 3, 47],
    "entropy__window": [2, 3, 32, 33],
    "entropy__mixtures": [1, 8],
    "entropy__slices": [[12], [1] * 12],
    "rate__psnr": [[[1, -1], [50, 0.5], [100, 2]]],
    "entropy__slices_from": [[-2, -2, 1], [-2, 0, 0], [-2, 2, 2]],
    "entropy__head_width": [1, 7],
    "entropy__style": ["gelu"],
    "entropy__masking": ["mt"],
    "entropy__neighbours": [False],
    "entropy__source_positions": [False],
    "transform__width": [2, 4, 6, 8, 10, 24],
    "transform__blocks": [0, 2],
    "transform__fine_blocks": [0, 2],
    "transform__render_width": [1, 2, 7],
    "transform__linear_analysis": [False],
    "rate__eye": [[]],
    "rate__lmbda_min": [0.08],
    "schedule__steps": [1, 65535],
    "schedule__alpha": [1.0, 25.5],
    "schedule__order": ["raster", "random"],
}
"""What no model of ours has; some of it the core cannot do."""


def unusual_options() -> Iterator[tuple[str, bytes]]:
    """Files of other configurations, with random tensors that fit them."""
    config, _ = unpacked()
    for key, values in UNUSUAL_OPTIONS.items():
        part, _, name = key.partition("__")
        for value in values:
            other = config | {part: config[part] | {name: value}}
            parsed = ModelConfig.from_json(json.dumps(other))
            yield f"{key} {value}", packed(parsed.to_json(), fitting(parsed))
