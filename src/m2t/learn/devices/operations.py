"""The integer network's operations in PyTorch, on any device.

Products of integers go through one of the kernels of int8_products.py, which are all exact;
everything else is elementwise.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...engine.arithmetic import EXACT, HIDDEN_STEPS, RESIDUAL_LIMIT, WEIGHT_SUM, check_layer
from ...predict.operations import Attention, Norm
from ...predict.predictor import Span
from ...rans.gaussians import MEAN_LIMIT, Mixture, rounded_weights
from ...rans.tables import NUM_SIGMAS
from .int8_products import Kernel


def rounded(x: Tensor) -> Tensor:
    """To the nearest integer, halves to even."""
    return torch.round(x)


def saturated(x: Tensor) -> Tensor:
    """Integers in float32 -> int8, clamped to -127..127."""
    return x.clamp(-127, 127).to(torch.int8)


class Layer(NamedTuple):
    """W x * multiplier + bias."""

    weight: Any
    """As the kernel takes it."""
    multiplier: Tensor
    bias: Tensor


class TorchOperations:
    """Operations on PyTorch tensors."""

    threads = False

    def __init__(self, kernel: Kernel, device: torch.device) -> None:
        self.kernel, self.device, self.name = kernel, device, kernel.name

    def array(self, values: NDArray) -> Tensor:
        """On the device, in memory of its own: weights cannot be written to."""
        return torch.tensor(values, device=self.device)

    def table(self, values: NDArray[np.float32]) -> Tensor:
        """On the device."""
        return self.array(values)

    def layer(
        self, weight: NDArray[np.int8], multiplier: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> Layer:
        """See Operations; ModelError where products could be inexact."""
        check_layer(weight)
        prepared = self.kernel.prepare(self.array(weight))
        return Layer(prepared, self.array(multiplier), self.array(bias))

    def squash(self, symbols: NDArray[np.int32], table: Tensor) -> Tensor:
        """See Operations."""
        y = torch.from_numpy(symbols).to(self.device)
        last = len(table) - 1
        magnitude = table[y.clamp(-last, last).abs().to(torch.int64)]
        return torch.where(y < 0, -magnitude, magnitude)

    def unrounded(self, layer: Layer, x: Tensor) -> Tensor:
        """See Operations."""
        products = self.kernel.linear(x.contiguous(), layer.weight)[:, : len(layer.bias)]
        return products * layer.multiplier + layer.bias

    def rounded(self, layer: Layer, x: Tensor) -> Tensor:
        """See Operations."""
        return rounded(self.unrounded(layer, x))

    def saturated(self, layer: Layer, x: Tensor) -> Tensor:
        """See Operations."""
        return saturated(self.rounded(layer, x))

    def activated(self, layer: Layer, x: Tensor, curve: Tensor | None) -> Tensor:
        """See Operations."""
        if curve is None:
            return saturated(self.rounded(layer, x).clamp(min=0))
        return curve[self.saturated(layer, x).to(torch.int64) + 127]

    def added(self, layer: Layer, x: Tensor, h: Tensor) -> Tensor:
        """See Operations."""
        return self.limited(h + self.rounded(layer, x))

    def limited(self, h: Tensor) -> Tensor:
        """See Operations."""
        return h.clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)

    def hidden(self, layer: Layer, x: Tensor, prepared: Tensor) -> Tensor:
        """See Operations."""
        total = prepared + self.rounded(layer, x) if x.shape[1] else prepared
        return saturated(rounded(total.clamp(min=0) / HIDDEN_STEPS))

    def norm(self, norm: Norm, h: Tensor) -> Tensor:
        """See Operations."""
        if norm.bias is None:
            return rms_normed(h, norm.gain, norm.eps)
        return layer_normed(h, norm.gain, norm.bias, norm.eps)

    def cache(
        self, sizes: Sequence[int], heads: int, head_width: int
    ) -> list[tuple[Tensor, Tensor]]:
        """See Operations."""
        like = {"dtype": torch.int8, "device": self.device}
        return [
            (torch.zeros(heads, n, head_width, **like), torch.zeros(heads, n, head_width, **like))
            for n in sizes
        ]

    def attention(
        self,
        a: Attention,
        qkv: Tensor,
        cache: list[tuple[Tensor, Tensor]],
        spans: Sequence[Span],
        limits: NDArray,
    ) -> Tensor:
        """See Operations."""
        q, k, v = qkv.unflatten(1, (3, a.heads, -1)).permute(1, 2, 0, 3)
        outputs = []
        for span in spans:
            keys, values = cache[span.window]
            length = span.before + span.rows.stop - span.rows.start
            keys[:, span.before : length], values[:, span.before : length] = (
                k[:, span.rows],
                v[:, span.rows],
            )
            logits = self.kernel.batched(q[:, span.rows], keys[:, :length].transpose(1, 2))
            limit = torch.from_numpy(limits[span.rows]).to(self.device)
            unseen = torch.arange(length, device=self.device) >= limit[:, None]
            weights = attention_weights(logits, unseen, a.steps, a.exponentials)
            outputs.append(self.kernel.batched(weights, values[:, :length]))
        y = torch.cat(outputs, dim=1).transpose(0, 1).flatten(1)
        return saturated(rounded(y * a.attended))

    def mixture(
        self, raw: Tensor, components: int, means: Tensor, rungs: Tensor, exponentials: Tensor
    ) -> Mixture:
        """See Operations."""
        raw = raw.unflatten(-1, (3, components, -1)).transpose(-1, -2)
        mean, rung, logit = raw.unbind(1)  # (n, channels, K) each
        mean = rounded(mean * means[:, None]).clamp(-MEAN_LIMIT, MEAN_LIMIT)
        rung = rounded(rung + rungs[:, None]).clamp(0, NUM_SIGMAS - 1)
        logit = rounded(logit)
        terms = looked_up(logit.amax(-1, keepdim=True) - logit, exponentials)
        arrays = (mean.to(torch.int32), rung.to(torch.uint8), terms)
        m, r, t = (array.reshape(-1, components).cpu().numpy() for array in arrays)
        return Mixture(m, r, rounded_weights(t))


def rms_normed(h: Tensor, gain: Tensor, eps: float) -> Tensor:
    """int8 of h gain / rms(h), over the last dimension.

    The sum of squares is exact in float64; mean, root and reciprocal are rounded once each.
    """
    squares = h.double().square().sum(-1, keepdim=True)
    scale = (1.0 / torch.sqrt(squares / h.shape[-1] + eps)).float()
    return saturated(rounded(h * scale * gain))


def layer_normed(h: Tensor, gain: Tensor, bias: Tensor, eps: float) -> Tensor:
    """int8 of (h - mean) gain / deviation + bias, over the last dimension.

    With integer sums S of h and Q of squares, n^2 variance = n Q - S^2, exact in 64-bit integers.
    """
    n = h.shape[-1]
    whole = h.to(torch.int64)
    sums = whole.sum(-1, keepdim=True)
    spread = n * whole.square().sum(-1, keepdim=True) - sums.square()
    scale = (1.0 / torch.sqrt(spread.double() / (n * n) + eps)).float()
    mean = (sums.double() / n).float()
    return saturated(rounded((h - mean) * scale * gain + bias))


def looked_up(drop: Tensor, table: Tensor) -> Tensor:
    """table[drop], for drops >= 0; beyond the table's end, its last entry, 0."""
    return table[drop.clamp(max=len(table) - 1).to(torch.int64)]


def attention_weights(logits: Tensor, unseen: Tensor, steps: float, table: Tensor) -> Tensor:
    """Softmax over the last dimension, in units of 1 / WEIGHT_SUM.

    Args:
        logits: (..., n, m) exact products of queries and keys.
        unseen: (n, m) what gets no weight; never all of a row.
        steps: entries of the table per unit of a logit.
        table: EXP_ONE exp(-i / EXP_STEPS).
    """
    logits = logits.masked_fill(unseen, -EXACT)
    drop = logits.amax(-1, keepdim=True) - logits
    terms = looked_up(rounded(drop * steps), table).masked_fill(unseen, 0)
    return rounded(terms * (WEIGHT_SUM / terms.sum(-1, keepdim=True)))
