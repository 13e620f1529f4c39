"""The integer network's operations in NumPy: the definition of the others.

Sums of products are exact in float32 below 2^24, which arithmetic.py proves: in any order, then.
This is what runs where nothing was compiled.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.arithmetic import HIDDEN_STEPS, RESIDUAL_LIMIT, WEIGHT_SUM, check_layer
from ..rans.gaussians import MEAN_LIMIT, Mixture, rounded_weights
from ..rans.tables import NUM_SIGMAS
from .operations import Attention, Norm, squashed
from .predictor import Span

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]


class Layer(NamedTuple):
    """W x * multiplier + bias."""

    weight: Floats
    """(inputs, outputs)"""
    multiplier: Floats
    bias: Floats


class ReferenceOperations:
    """See Operations."""

    name, threads = "reference", True

    def array(self, values: NDArray) -> NDArray:
        """As it is."""
        return values

    def table(self, values: Floats) -> Floats:
        """As it is."""
        return values

    def layer(self, weight: Bytes, multiplier: Floats, bias: Floats) -> Layer:
        """See Operations; ModelError where products could be inexact."""
        check_layer(weight)
        return Layer(weight.T.astype(np.float32), multiplier, bias)

    def squash(self, symbols: NDArray[np.int32], table: Bytes) -> Bytes:
        """See Operations."""
        return squashed(symbols, table)

    def unrounded(self, layer: Layer, x: Bytes) -> Floats:
        """See Operations."""
        return x.astype(np.float32) @ layer.weight * layer.multiplier + layer.bias

    def rounded(self, layer: Layer, x: Bytes) -> Floats:
        """See Operations."""
        return np.rint(self.unrounded(layer, x))

    def saturated(self, layer: Layer, x: Bytes) -> Bytes:
        """See Operations."""
        return saturated(self.rounded(layer, x))

    def activated(self, layer: Layer, x: Bytes, curve: Bytes | None) -> Bytes:
        """See Operations."""
        if curve is None:
            return saturated(np.maximum(self.rounded(layer, x), 0))
        return curve[self.saturated(layer, x).astype(np.int64) + 127]

    def added(self, layer: Layer, x: Bytes, h: Floats) -> Floats:
        """See Operations."""
        return self.limited(h + self.rounded(layer, x))

    def limited(self, h: Floats) -> Floats:
        """See Operations."""
        return np.clip(h, np.float32(-RESIDUAL_LIMIT), np.float32(RESIDUAL_LIMIT))

    def hidden(self, layer: Layer, x: Bytes, prepared: Floats) -> Bytes:
        """See Operations."""
        total = np.maximum(prepared + self.rounded(layer, x), 0)
        return saturated(np.rint(total / np.float32(HIDDEN_STEPS)))

    def norm(self, norm: Norm, h: Floats) -> Bytes:
        """See Operations. Integer sums are exact; mean, root and reciprocal are rounded once each.

        With sums S of h and Q of squares, n^2 variance = n Q - S^2, exact in 64-bit integers.
        """
        whole, n = h.astype(np.int64), h.shape[-1]
        squares = np.square(whole).sum(-1, keepdims=True)
        if norm.bias is None:
            scale = 1.0 / np.sqrt(squares / n + norm.eps)
            return saturated(np.rint(h * scale.astype(np.float32) * norm.gain))
        sums = whole.sum(-1, keepdims=True)
        spread = n * squares - np.square(sums)
        scale = 1.0 / np.sqrt(spread.astype(np.float64) / (n * n) + norm.eps)
        mean = (sums.astype(np.float64) / n).astype(np.float32)
        return saturated(np.rint((h - mean) * scale.astype(np.float32) * norm.gain + norm.bias))

    def cache(self, sizes: Sequence[int], heads: int, head_width: int) -> list[tuple[Bytes, Bytes]]:
        """See Operations."""
        shapes = [(heads, size, head_width) for size in sizes]
        return [(np.zeros(shape, np.int8), np.zeros(shape, np.int8)) for shape in shapes]

    def attention(
        self,
        a: Attention,
        qkv: Bytes,
        cache: list[tuple[Bytes, Bytes]],
        spans: Sequence[Span],
        limits: NDArray[np.int32],
    ) -> Bytes:
        """See Operations."""
        n = len(qkv)
        q, k, v = qkv.reshape(n, 3, a.heads, -1).transpose(1, 2, 0, 3)
        outputs = []
        for span in spans:
            keys, values = cache[span.window]
            length = span.before + span.rows.stop - span.rows.start
            keys[:, span.before : length], values[:, span.before : length] = (
                k[:, span.rows],
                v[:, span.rows],
            )
            products = floats(q[:, span.rows]) @ floats(keys[:, :length]).swapaxes(1, 2)
            unseen = np.arange(length) >= limits[span.rows, None]
            weights = attention_weights(products, unseen, a.steps, a.exponentials)
            outputs.append(weights @ floats(values[:, :length]))
        y = np.concatenate(outputs, axis=1).swapaxes(0, 1).reshape(n, -1)
        return saturated(np.rint(y * np.float32(a.attended)))

    def mixture(
        self, raw: Floats, components: int, means: Floats, rungs: Floats, exponentials: Floats
    ) -> Mixture:
        """See Operations."""
        parts = raw.reshape(len(raw), 3, components, -1).transpose(1, 0, 3, 2)
        mean, rung, logit = parts  # (n, channels, K) each
        mean = np.clip(np.rint(mean * means[:, None]), -MEAN_LIMIT, MEAN_LIMIT)
        rung = np.clip(np.rint(rung + rungs[:, None]), 0, NUM_SIGMAS - 1)
        logit = np.rint(logit)
        terms = looked_up(logit.max(-1, keepdims=True) - logit, exponentials)
        shape = (-1, components)
        return Mixture(
            mean.astype(np.int32, order="C").reshape(shape),
            rung.astype(np.uint8, order="C").reshape(shape),
            rounded_weights(terms.reshape(shape)),
        )


def floats(x: Bytes) -> Floats:
    """In which products are exact."""
    return x.astype(np.float32)


def saturated(x: Floats) -> Bytes:
    """Integers in float32 -> int8, clamped to -127..127."""
    return np.clip(x, -127, 127).astype(np.int8)


def looked_up(drop: Floats, table: Floats) -> Floats:
    """table[drop], for drops >= 0; beyond the table's end, its last entry, 0."""
    return table[np.minimum(drop, len(table) - 1).astype(np.int64)]


def attention_weights(
    products: Floats, unseen: NDArray[np.bool_], steps: float, table: Floats
) -> Floats:
    """Softmax over the last dimension, in units of 1 / WEIGHT_SUM.

    Args:
        products: (..., n, m) of queries and keys.
        unseen: (n, m) what gets no weight; never all of a row.
        steps: entries of the table per unit of a product.
        table: EXP_ONE exp(-i / EXP_STEPS).
    """
    largest = np.where(unseen, np.float32(-np.inf), products).max(-1, keepdims=True)
    drop = np.where(unseen, 0, largest - products)
    terms = np.where(unseen, 0, looked_up(np.rint(drop * np.float32(steps)), table))
    return np.rint(terms * (np.float32(WEIGHT_SUM) / terms.sum(-1, keepdims=True)))
