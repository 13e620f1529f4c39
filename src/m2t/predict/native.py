"""The integer network's operations in C (core/m2t.h): what runs on a CPU where it was compiled.

The same integers as reference.py defines, several times as fast: each operation passes over its
data once, and products use the processor's int8 instructions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.arithmetic import RESIDUAL_LIMIT, Finish, check_layer
from ..engine.native import NOTHING, TILE_COLUMNS, core, levels, packed, sizes
from ..rans.gaussians import Mixture
from .operations import Attention, Norm, squashed
from .predictor import Span

_NO_ROWS = np.empty((0, 0), np.float32)


class Layer(NamedTuple):
    """W x * multiplier + bias, the weight in the order in which tiles need it."""

    packed: NDArray[np.uint8]
    multiplier: NDArray[np.float32]
    bias: NDArray[np.float32]


class Cache(NamedTuple):
    """Keys and values of one layer."""

    bases: NDArray[np.int64]
    """Where each window's slots start; the last entry is the end."""
    keys: NDArray[np.int16]
    values: NDArray[np.int16]


class NativeOperations:
    """Operations on NumPy arrays, on one core. `level` is one of engine.native.levels()."""

    threads = True

    def __init__(self, level: int) -> None:
        self.level, self.name = level, levels()[level]

    def array(self, values: NDArray) -> NDArray:
        """Its elements one after the other."""
        return np.ascontiguousarray(values)

    def table(self, values: NDArray[np.float32]) -> NDArray[np.int32]:
        """See Operations."""
        return values.astype(np.int32)

    def layer(
        self, weight: NDArray[np.int8], multiplier: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> Layer:
        """See Operations; ModelError where products could be inexact."""
        check_layer(weight)
        return Layer(packed(weight), self.array(multiplier), self.array(bias))

    def squash(self, symbols: NDArray[np.int32], table: NDArray[np.int8]) -> NDArray[np.int8]:
        """See Operations."""
        return squashed(symbols, table)

    def _run(
        self,
        finish: Finish,
        layer: Layer,
        x: NDArray[np.int8],
        out: NDArray,
        prepared: NDArray[np.float32] = _NO_ROWS,
        curve: NDArray[np.int8] = NOTHING,
    ) -> NDArray:
        (rows, inputs), outputs = x.shape, len(layer.bias)
        x_row = x.strides[0] if inputs else 0
        shape = sizes(
            *(8, finish, 1, rows, outputs, 1, inputs, 0, 0, x_row),
            *(0, outputs, prepared.strides[0] // 4),
        )
        core.conv(self.level, shape, x, *layer, prepared, curve, out)
        return out

    def unrounded(self, layer: Layer, x: NDArray[np.int8]) -> NDArray[np.float32]:
        """See Operations."""
        return self._run(Finish.RAW, layer, x, np.empty((len(x), len(layer.bias)), np.float32))

    def rounded(self, layer: Layer, x: NDArray[np.int8]) -> NDArray[np.float32]:
        """See Operations."""
        return self._run(Finish.ROUNDED, layer, x, np.empty((len(x), len(layer.bias)), np.float32))

    def saturated(self, layer: Layer, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """See Operations."""
        return self._run(Finish.SATURATED, layer, x, np.empty((len(x), len(layer.bias)), np.int8))

    def activated(
        self, layer: Layer, x: NDArray[np.int8], curve: NDArray[np.int8] | None
    ) -> NDArray[np.int8]:
        """See Operations."""
        out = np.empty((len(x), len(layer.bias)), np.int8)
        if curve is None:
            return self._run(Finish.RELU, layer, x, out)
        return self._run(Finish.CURVE, layer, x, out, curve=curve)

    def added(
        self, layer: Layer, x: NDArray[np.int8], h: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See Operations; h changes."""
        return self._run(Finish.ADDED, layer, x, h)

    def limited(self, h: NDArray[np.float32]) -> NDArray[np.float32]:
        """See Operations."""
        return np.clip(h, -RESIDUAL_LIMIT, RESIDUAL_LIMIT, out=h)

    def hidden(
        self, layer: Layer, x: NDArray[np.int8], prepared: NDArray[np.float32]
    ) -> NDArray[np.int8]:
        """See Operations."""
        out = np.empty(prepared.shape, np.int8)
        return self._run(Finish.HIDDEN, layer, x, out, prepared)

    def norm(self, norm: Norm, h: NDArray[np.float32]) -> NDArray[np.int8]:
        """See Operations."""
        out = np.empty(h.shape, np.int8)
        bias = NOTHING if norm.bias is None else norm.bias
        core.norm(self.level, norm.eps, sizes(*h.shape), h, norm.gain, bias, out)
        return out

    def cache(self, sizes: Sequence[int], heads: int, head_width: int) -> Cache:
        """See Operations."""
        capacities = [-(-size // TILE_COLUMNS) * TILE_COLUMNS for size in sizes]
        bases = np.cumsum([0, *capacities])
        padded = -(-head_width // TILE_COLUMNS) * TILE_COLUMNS
        return Cache(
            bases,
            np.zeros(bases[-1] * heads * head_width, np.int16),
            np.zeros(bases[-1] * heads * padded, np.int16),
        )

    def attention(
        self,
        a: Attention,
        qkv: NDArray[np.int8],
        cache: Cache,
        spans: Sequence[Span],
        limits: NDArray[np.int32],
    ) -> NDArray[np.int8]:
        """See Operations."""
        rows = [(s.rows.start, s.rows.stop - s.rows.start) for s in spans]
        table = np.zeros((len(spans) + 1, 4), np.int64)
        table[:-1, :2], table[:, 2] = rows, cache.bases
        table[:-1, 3] = [s.before for s in spans]
        out = np.empty((len(qkv), qkv.shape[1] // 3), np.int8)
        core.attention(
            *(self.level, a.steps, a.attended, sizes(a.heads, len(qkv), len(spans))),
            *(qkv, table, limits, a.exponentials, cache.keys, cache.values, out),
        )
        return out

    def mixture(
        self,
        raw: NDArray[np.float32],
        components: int,
        means: NDArray[np.float32],
        rungs: NDArray[np.float32],
        exponentials: NDArray[np.int32],
    ) -> Mixture:
        """See Operations."""
        shape = (len(raw) * len(means), components)
        m, r = np.empty(shape, np.int32), np.empty(shape, np.uint8)
        mixture = Mixture(m, r, np.empty(shape, np.uint16))
        counts = sizes(len(raw), components, len(means))
        core.mixture(self.level, counts, raw, means, rungs, exponentials, *mixture)
        return mixture
