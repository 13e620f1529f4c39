"""The few operations that models are made of.

docs/decoding.md, "Operations". Sums of products are exact: float64 holds all of them. Each
other operation is rounded once, to float32, by IEEE 754, as NumPy does for float32 arrays.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray
Tensors = Mapping[str, Array]

RESIDUAL_LIMIT = 2**20
STREAM_LIMIT = 2**15 - 1
BYTE_LIMIT = 127


def rounded(x: Array) -> Array:
    """To the nearest integer, halves to even."""
    return np.rint(x)


def clamped(x: Array, limit: int) -> Array:
    """Within -limit..limit."""
    return np.clip(x, np.float32(-limit), np.float32(limit))


def int8(x: Array) -> Array:
    """Rounded and clamped to -127..127."""
    return clamped(rounded(x), BYTE_LIMIT)


def linear(t: Tensors, name: str, x: Array) -> Array:
    """A layer: (n, columns) integers -> (n, rows) float32, not rounded to integers yet."""
    weight = t[f"{name}.weight"].astype(np.float64)
    sums = (x.astype(np.float64) @ weight.T).astype(np.float32)
    return sums * t[f"{name}.multiplier"] + t[f"{name}.bias"]


def norm(x: Array, gain: Array, eps: float, bias: Array | None = None) -> Array:
    """RMSNorm over the last axis, or with a bias LayerNorm, to int8."""
    whole, n = x.astype(np.int64), x.shape[-1]
    squares = np.square(whole).sum(-1, keepdims=True)
    if bias is None:
        scale = 1.0 / np.sqrt(squares.astype(np.float64) / n + eps)
        return int8(x.astype(np.float32) * scale.astype(np.float32) * gain)
    sums = whole.sum(-1, keepdims=True)
    variance = (n * squares - np.square(sums)).astype(np.float64) / (n * n)
    scale = (1.0 / np.sqrt(variance + eps)).astype(np.float32)
    mean = (sums.astype(np.float64) / n).astype(np.float32)
    return int8((x.astype(np.float32) - mean) * scale * gain + bias)


def convolved(weight: Array, multiplier: Array, bias: Array, x: Array) -> Array:
    """A convolution over places: (h, w, inputs) integers -> (h, w, outputs) float32.

    The picture has zeros around it. Sums are those of 32 bits: what is too large wraps around.
    """
    outputs, side, _, inputs = weight.shape
    height, width, border = *x.shape[:2], side // 2
    padded = np.zeros((height + 2 * border, width + 2 * border, inputs))
    padded[border : border + height, border : border + width] = x
    sums = np.zeros((height, width, outputs))
    for i in range(side):
        for j in range(side):
            sums += padded[i : i + height, j : j + width] @ weight[:, i, j].T.astype(np.float64)
    return wrapped(sums).astype(np.float32) * multiplier + bias


def wrapped(sums: Array) -> Array:
    """Exact integers as 32 bits hold them."""
    return sums.astype(np.int64).astype(np.uint32).view(np.int32)


def shuffled(x: Array, side: int) -> Array:
    """(h, w, c side^2) -> (side h, side w, c): channel c r^2 + r i + j is row i, column j."""
    height, width, _ = x.shape
    spread = x.reshape(height, width, -1, side, side).transpose(0, 3, 1, 4, 2)
    return spread.reshape(side * height, side * width, -1)
