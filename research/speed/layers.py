"""Arithmetic per second in the layers of the entropy network, beside that of a 3x3 convolution.

    python -m research.speed.layers --out results/layers.json

On one thread, at every level of the core that this processor has; on as many tokens as windows that
run together have. Multiplications and additions count one each.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from m2t.engine.arithmetic import Finish
from m2t.engine.native import NativePictures, levels
from m2t.eval.results import versions, write_record
from m2t.predict.native import NativeOperations
from m2t.timing import median_seconds
from m2t.weights import locate, read_weights
from m2t.weights.file import INTEGER

from ..command_line import command_line

TOKENS = 2304
"""Four windows of 24x24."""
LAYERS = {
    "qkv": "blocks.0.qkv",
    "attention's output": "blocks.0.out",
    "mlp, in": "blocks.0.mlp_in",
    "mlp, out": "blocks.0.mlp_out",
    "neighbours": "neighbours",
    "head, from the trunk": "head.from_trunk",
    "head, last slice": "head.out.7",
}
"""By what they do: those that take nearly all of the network's arithmetic."""
SIDE, CHANNELS = 48, 256
"""Of the picture that the convolution sees."""


def giga(multiplications: float, seconds: float) -> float:
    """Operations per second, in 10^9."""
    return round(2e-9 * multiplications / seconds, 1)


def layers_of(level: int) -> dict[str, float]:
    """For each layer of the shipped model, its speed."""
    ops, tensors = NativeOperations(level), read_weights(locate(None)).below(INTEGER)
    random = np.random.default_rng(0)
    speeds = {}
    for name, key in LAYERS.items():
        weight = tensors[f"{key}.weight"]
        layer = ops.layer(weight, tensors[f"{key}.multiplier"], tensors[f"{key}.bias"])
        x = random.integers(-127, 128, (TOKENS, weight.shape[1]), np.int8)
        seconds = median_seconds(partial(ops.saturated, layer, x), 40, 2)
        speeds[name] = giga(TOKENS * weight.size, seconds)
    return speeds


def convolution_of(level: int) -> float:
    """The speed of a 3x3 convolution of bytes."""
    ops, random = NativePictures(level), np.random.default_rng(0)
    weights = random.integers(-63, 64, (CHANNELS, 3, 3, CHANNELS), np.int8)
    unit = np.full(CHANNELS, 1e-4, np.float32)
    kernel = ops.kernel(weights, unit, np.zeros_like(unit))
    x = random.integers(-127, 128, (SIDE + 2, SIDE + 2, CHANNELS), np.int8)
    out = np.empty((SIDE, SIDE, CHANNELS), np.int8)
    seconds = median_seconds(partial(ops.conv, kernel, x, out, Finish.SATURATED), 40, 2)
    return giga(SIDE * SIDE * weights.size, seconds)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m research.speed.layers", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for level, name in enumerate(levels()):
        rows.append(
            {
                "operations": name,
                "convolution_giga_operations_per_second": convolution_of(level),
                "layers_giga_operations_per_second": layers_of(level),
            }
        )
        print(rows[-1])
    command = command_line("research.speed.layers", args.out)
    write_record(args.out, tokens=TOKENS, rows=rows, versions=versions(), command=command)


if __name__ == "__main__":
    main()
