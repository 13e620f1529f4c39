"""Which operations a machine runs: the fastest ones that give the reference's results on it."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ...engine.arithmetic import EXP_ONE, EXP_STEPS, RESIDUAL_LIMIT
from ...engine.native import levels
from ..predictor import Span
from .native import NativeOperations
from .operations import Attention, Norm, Operations
from .products import KERNELS, ReferenceKernel
from .pytorch import TorchOperations


def candidates(device: torch.device) -> Iterator[Operations]:
    """From the fastest to the surest: on the device, then on the CPU."""
    if device.type != "cpu":
        for kernel in KERNELS:
            yield TorchOperations(kernel, device)
    # Without AVX2 the compiled code is slower than PyTorch's float32 products.
    for level in reversed(range(1, len(levels()))):
        yield NativeOperations(level)
    for kernel in KERNELS:
        yield TorchOperations(kernel, torch.device("cpu"))


def choose(device: torch.device) -> Operations:
    """The fastest operations that pass the test on this machine; the reference always does."""
    expected = results(TorchOperations(ReferenceKernel(), torch.device("cpu")))
    return next(ops for ops in candidates(device) if passes(ops, expected))


def passes(ops: Operations, expected: list[np.ndarray]) -> bool:
    """Whether operations give the results that the reference gave."""
    try:
        got = results(ops)
    except (RuntimeError, TypeError, ValueError):  # it lacks instructions, or 64-bit floats
        return False
    return all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


def results(ops: Operations) -> list[np.ndarray]:
    """Every operation on random and on extreme numbers, some more than one tile large."""
    g = torch.Generator().manual_seed(0)

    def integers(limit: int, *shape: int) -> Tensor:
        return torch.randint(-limit, limit + 1, shape, generator=g)

    def uniform(largest: float, *shape: int) -> Tensor:
        return largest * torch.rand(shape, generator=g, dtype=torch.float32)

    found = []
    for n, cols, rows in ((9, 2096, 33), (3, 37, 70), (5, 1, 3), (40, 60, 1)):
        x, weight = integers(127, n, cols), integers(63, rows, cols)
        x[:1], weight[:4], weight[4:8] = 127, 63, -63
        x = ops.array(x.to(torch.int8))
        multiplier, bias = uniform(10 / cols / 63, rows), uniform(9, rows)
        layer = ops.layer(weight.to(torch.int8), multiplier, bias)
        h = ops.array(integers(int(RESIDUAL_LIMIT), n, rows).float())
        curve = ops.array(integers(127, 255).to(torch.int8))
        found += [ops.unrounded(layer, x), ops.rounded(layer, x), ops.saturated(layer, x)]
        found += [ops.activated(layer, x, None), ops.activated(layer, x, curve)]
        found += [ops.hidden(layer, x, h), ops.added(layer, x, h)]
    h, gain = integers(int(RESIDUAL_LIMIT), 5, 384).float(), uniform(60, 384)
    h[1:] /= torch.tensor([[2.0], [99.0], [5000.0], [1e6]], dtype=torch.float32)
    h = ops.array(h.round())
    found += [ops.norm(Norm(ops.array(gain), bias, 0.5), h) for bias in (None, ops.array(gain))]
    exponentials = EXP_ONE * torch.exp(-torch.arange(700) / EXP_STEPS)
    exponentials = ops.table(exponentials.round().float())
    qkv = ops.array(integers(127, 70, 3 * 48).to(torch.int8))
    spans = [Span(0, slice(0, 43), slice(0, 43), 0), Span(1, slice(43, 70), slice(43, 70), 0)]
    limits = np.concatenate((np.arange(43) // 7 * 7 + 1, np.full(27, 27))).astype(np.int32)
    attention = Attention(3, 0.02, 0.01, exponentials)
    found.append(ops.attention(attention, qkv, ops.cache((43, 27), 3, 16), spans, limits))
    raw, scales = ops.array(uniform(200, 3, 9 * 37) - 100), ops.array(uniform(64, 37))
    found += ops.mixture(raw, 3, scales, scales, exponentials)
    return [array.cpu().numpy() if isinstance(array, Tensor) else array for array in found]
