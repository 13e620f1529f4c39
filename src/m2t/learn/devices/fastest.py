"""What computes the integer network on a device: what gives the reference's results there."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...engine.arithmetic import EXP_ONE, EXP_STEPS, RESIDUAL_LIMIT
from ...predict import fastest
from ...predict.operations import Attention, Norm, Operations
from ...predict.predictor import Span
from ...predict.reference import ReferenceOperations
from .int8_products import KERNELS
from .operations import TorchOperations


def candidates(device: torch.device) -> Iterator[Operations]:
    """From the fastest to the surest."""
    for kernel in KERNELS:
        yield TorchOperations(kernel, device)


def choose(device: torch.device) -> Operations:
    """The fastest operations that pass the test there; those of the processor, if none does."""
    if device.type == "cpu":
        return fastest.choose()
    expected = results(ReferenceOperations())
    passing = (ops for ops in candidates(device) if passes(ops, expected))
    return next(passing, None) or fastest.choose()


def passes(ops: Operations, expected: list[np.ndarray]) -> bool:
    """Whether operations give the results that the reference gave."""
    try:
        got = results(ops)
    except (RuntimeError, TypeError, ValueError):  # it lacks instructions, or 64-bit floats
        return False
    return all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


def results(ops: Operations) -> list[np.ndarray]:
    """Every operation on random and on extreme numbers, some more than one tile large."""
    rng = np.random.default_rng(0)

    def integers(limit: int, *shape: int) -> NDArray[np.int64]:
        return rng.integers(-limit, limit + 1, shape)

    def uniform(largest: float, *shape: int) -> NDArray[np.float32]:
        return np.float32(largest) * rng.random(shape, np.float32)

    found = []
    for n, cols, rows in ((9, 2096, 33), (3, 37, 70), (5, 1, 3), (40, 60, 1)):
        x, weight = integers(127, n, cols), integers(63, rows, cols)
        x[:1], weight[:4], weight[4:8] = 127, 63, -63
        x = ops.array(x.astype(np.int8))
        multiplier, bias = uniform(10 / cols / 63, rows), uniform(9, rows)
        layer = ops.layer(weight.astype(np.int8), multiplier, bias)
        h = ops.array(integers(int(RESIDUAL_LIMIT), n, rows).astype(np.float32))
        curve = ops.array(integers(127, 255).astype(np.int8))
        found += [ops.unrounded(layer, x), ops.rounded(layer, x), ops.saturated(layer, x)]
        found += [ops.activated(layer, x, None), ops.activated(layer, x, curve)]
        found += [ops.hidden(layer, x, h), ops.added(layer, x, h)]
    h, gain = integers(int(RESIDUAL_LIMIT), 5, 384).astype(np.float32), uniform(60, 384)
    h[1:] /= np.array([[2.0], [99.0], [5000.0], [1e6]], np.float32)
    h = ops.array(np.rint(h))
    found += [ops.norm(Norm(ops.array(gain), bias, 0.5), h) for bias in (None, ops.array(gain))]
    exponentials = np.rint(EXP_ONE * np.exp(-np.arange(700) / EXP_STEPS)).astype(np.float32)
    table = ops.table(exponentials)
    qkv = ops.array(integers(127, 70, 3 * 48).astype(np.int8))
    spans = [Span(0, slice(0, 43), slice(0, 43), 0), Span(1, slice(43, 70), slice(43, 70), 0)]
    limits = np.concatenate((np.arange(43) // 7 * 7 + 1, np.full(27, 27))).astype(np.int32)
    attention = Attention(3, 0.02, 0.01, table)
    found.append(ops.attention(attention, qkv, ops.cache((43, 27), 3, 16), spans, limits))
    raw, scales = ops.array(uniform(200, 3, 9 * 37) - 100), ops.array(uniform(64, 37))
    found += ops.mixture(raw, 3, scales, scales, table)
    return [array.cpu().numpy() if isinstance(array, Tensor) else array for array in found]
