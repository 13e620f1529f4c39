"""The masked transformer of entropy/transformer.py, computed in integers.

Same slots, same steps, same structure; every number in it is an integer, but for the multipliers
between scales. Activations are int8, the residual stream counts in units of its own, and the
result is the coder's integer mixtures. Built from the tensors that export.py makes.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...coding.gaussians import MEAN_LIMIT, Mixture, rounded_weights
from ...coding.tables import NUM_SIGMAS
from ...config import ModelConfig
from ...errors import ModelError
from ..layers import KeyValueCache
from ..slots import Slots, read_slots
from .arithmetic import (
    EXP_ONE,
    RESIDUAL_LIMIT,
    added,
    attention_weights,
    exponentials,
    layer_normed,
    rms_normed,
    rounded,
    saturated,
)
from .products import EXACT, Kernel, Linear

UNSEEN = -float(2**23)
"""Added to the products of queries with what they may not see: the weight becomes 0."""
HIDDEN_STEPS = 64
"""The head adds its two inputs in units of 1/64 of the int8 unit that follows."""


def check_bounds(config: ModelConfig) -> None:
    """Raise ModelError where a sum over the config's sizes could leave its exact range.

    Sums over the columns of weights are proven by products.Linear.
    """
    e = config.entropy
    bounds = {
        "exponentials of a window": e.window**2 * EXP_ONE <= EXACT,
        "products of a query and a key": e.width // e.heads * 127**2 - UNSEEN <= EXACT,
        "squares of a token": e.width * RESIDUAL_LIMIT**2 <= 2**53,
        "LayerNorm": e.style == "relu" or (e.width * RESIDUAL_LIMIT) ** 2 < 2**63,
    }
    for name, holds in bounds.items():
        if not holds:
            raise ModelError(f"too large for exact integers: {name}")


class Tensors:
    """The tensors below a prefix."""

    def __init__(self, tensors: Mapping[str, Tensor], prefix: str = "") -> None:
        self.tensors, self.prefix = tensors, prefix

    def below(self, name: object) -> "Tensors":
        """Those below prefix.name."""
        return Tensors(self.tensors, f"{self.prefix}{name}.")

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[self.prefix + name]

    def get(self, name: str) -> Tensor | None:
        """The tensor `name`, if there is one."""
        return self.tensors.get(self.prefix + name)

    def linear(self, name: str, kernel: Kernel) -> Linear:
        """The layer `name`."""
        layer = self.below(name)
        return Linear(layer["weight"], layer["multiplier"], layer["bias"], kernel)


class Norm:
    """RMSNorm, or LayerNorm if there is a bias; int8 out."""

    def __init__(self, tensors: Tensors) -> None:
        self.gain, self.eps = tensors["gain"], float(tensors["eps"])
        self.bias = tensors.get("bias")

    def __call__(self, h: Tensor) -> Tensor:
        """(..., width) -> the same, int8."""
        if self.bias is None:
            return rms_normed(h, self.gain, self.eps)
        return layer_normed(h, self.gain, self.bias, self.eps)


class Block:
    """One transformer block."""

    def __init__(self, tensors: Tensors, heads: int, exp_table: Tensor, kernel: Kernel) -> None:
        self.heads, self.exp_table, self.kernel = heads, exp_table, kernel
        self.norm_1, self.norm_2 = Norm(tensors.below("norm_1")), Norm(tensors.below("norm_2"))
        self.qkv, self.out = tensors.linear("qkv", kernel), tensors.linear("out", kernel)
        self.mlp_in = tensors.linear("mlp_in", kernel)
        self.mlp_out = tensors.linear("mlp_out", kernel)
        self.steps, self.attended = float(tensors["steps"]), float(tensors["attended"])
        self.activation = tensors.get("activation")
        # What may not be seen must lie beyond the table's end, whatever the products.
        largest = self.qkv.num_rows // 3 // heads * 127**2
        if self.steps * (-UNSEEN - 2 * largest) < len(exp_table):
            raise ModelError("attention cannot tell the unseen from the unlikely")

    def __call__(self, h: Tensor, bias: Tensor | None, cache: KeyValueCache | None) -> Tensor:
        """(B, n, width) -> the same; integers in float32."""
        h = added(h, self.out(self._attend(self.norm_1(h), bias, cache)))
        return added(h, self.mlp_out(self._activate(self.mlp_in(self.norm_2(h)))))

    def _activate(self, x: Tensor) -> Tensor:
        """ReLU, or the table of another curve over -127..127."""
        if self.activation is None:
            return saturated(x.clamp(min=0))
        return self.activation[saturated(x).to(torch.int64) + 127]

    def _attend(self, x: Tensor, bias: Tensor | None, cache: KeyValueCache | None) -> Tensor:
        batch, n, width = x.shape
        qkv = saturated(self.qkv(x)).view(batch, n, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        if cache is not None:
            k, v = cache.append(torch.stack((k, v)))
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        logits = self.kernel.batched(q, k.transpose(1, 2))
        if bias is not None:
            logits = logits + bias
        weights = attention_weights(logits, self.steps, self.exp_table)
        y = self.kernel.batched(weights, v).unflatten(0, (batch, self.heads))
        y = saturated(rounded(y * self.attended))
        return y.transpose(1, 2).reshape(batch, n, width)


class Head:
    """Mixtures of one slice of a token's channels, as the coder's integers."""

    def __init__(
        self, tensors: Tensors, config: ModelConfig, exp_table: Tensor, kernel: Kernel
    ) -> None:
        self.slices = config.slices
        self.components, self.hidden = config.entropy.mixtures, config.entropy.head_width
        self.means, self.rungs = tensors["means"], tensors["rungs"]
        self.exp_table = exp_table
        self.out = [tensors.linear(f"out.{k}", kernel) for k in range(len(self.slices))]
        if self.hidden:
            self.from_trunk = tensors.linear("from_trunk", kernel)
            self.from_earlier = [
                tensors.linear(f"from_earlier.{k}", kernel) for k in range(len(self.slices) - 1)
            ]

    def prepare(self, trunk: Tensor) -> Tensor:
        """What all slices need of the trunk's output, computed once per group."""
        return self.from_trunk(trunk) if self.hidden else trunk

    def mixtures(self, k: int, prepared: Tensor, earlier: Tensor, quality: int) -> list[Mixture]:
        """For each window (B, n, ...), the mixtures of slice k: rows (n, channels) in order.

        Args:
            earlier: (B, n, channels before slice k) int8 tokens.
        """
        if self.hidden:
            prepared = prepared[..., k * self.hidden : (k + 1) * self.hidden]
            if k > 0:
                prepared = prepared + self.from_earlier[k - 1](earlier)
            prepared = saturated(rounded(prepared.clamp(min=0) / HIDDEN_STEPS))
        where = self.slices[k]
        raw = self.out[k].unrounded(prepared)
        raw = raw.unflatten(-1, (3, self.components, where.stop - where.start))
        means, rungs, logits = raw.transpose(-1, -2).unbind(-3)  # (B, n, channels, K) each
        means = rounded(means * self.means[quality - 1, where, None])
        means = means.clamp(-MEAN_LIMIT, MEAN_LIMIT)
        rungs = rounded(rungs + self.rungs[quality - 1, where, None]).clamp(0, NUM_SIGMAS - 1)
        logits = rounded(logits)
        terms = exponentials(logits.amax(-1, keepdim=True) - logits, self.exp_table)
        arrays = (means.to(torch.int32), rungs.to(torch.uint8), terms)
        rows = [array.reshape(len(array), -1, self.components).cpu().numpy() for array in arrays]
        return [Mixture(m, r, rounded_weights(t)) for m, r, t in zip(*rows, strict=True)]


class IntegerEntropyModel:
    """Tokens in, integer mixtures of the next tokens out."""

    def __init__(self, config: ModelConfig, tensors: Mapping[str, Tensor], kernel: Kernel) -> None:
        check_bounds(config)
        t, e = Tensors(tensors), config.entropy
        self.config, self.kernel = config, kernel
        self.table = t["squash"]
        self.exact = True
        self.embed = t.linear("embed", kernel)
        self.mask, self.positions, self.quality = t["mask"], t["positions"], t["quality"]
        self.source_positions = t["source_positions"] if e.source_positions else None
        self.neighbours = t.linear("neighbours", kernel) if e.neighbours else None
        self.known = t["neighbours_known"] if e.neighbours else None
        exp_table = t["exp_table"]
        self.blocks = [
            Block(t.below(f"blocks.{i}"), e.heads, exp_table, kernel) for i in range(e.layers)
        ]
        self.norm = Norm(t.below("norm"))
        self.head = Head(t.below("head"), config, exp_table, kernel)

        self.slices = config.slices
        self.prepare, self.mixtures = self.head.prepare, self.head.mixtures

    def squash(self, symbols: NDArray[np.int32]) -> Tensor:
        """Token integers of any size as the network takes them: int8, odd, from a table."""
        y = torch.from_numpy(symbols).to(self.table.device)
        last = len(self.table) - 1
        magnitude = self.table[y.clamp(-last, last).abs().to(torch.int64)]
        return torch.where(y < 0, -magnitude, magnitude)

    def trunk(
        self, tokens: Tensor, slots: Slots, quality: int, caches: list[KeyValueCache] | None = None
    ) -> Tensor:
        """Run slots through the transformer: (B, N, C) int8 tokens -> (B, n, width) int8."""
        read = read_slots(tokens, torch.zeros_like(tokens[0, 0]), slots)
        h = self.embed(read.carried) + self.positions[slots.position]
        h = h + torch.where(read.masked[..., None], self.mask, torch.zeros_like(self.mask))
        if self.source_positions is not None:
            h = h + self.source_positions[slots.source_position]
        if self.neighbours is not None and self.known is not None:
            h = h + self.neighbours(read.around)
            h = h + (read.known.double() @ self.known.double()).float()  # a sum of 8 integers
        h = added(h, self.quality[quality - 1])
        bias = None
        if slots.mask is not None:
            bias = torch.where(slots.mask.to(h.device), 0.0, UNSEEN).to(h.dtype)
        for i, block in enumerate(self.blocks):
            h = block(h, bias, None if caches is None else caches[i])
        return self.norm(h)
