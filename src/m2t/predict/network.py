"""The masked transformer in integers: tokens in, integer mixtures of the next tokens out.

It is that of learn/networks/ (transformer.py, head.py), made of operations (operations.py) that
give the same integers on every machine.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config import Aim, ModelConfig
from ..engine.arithmetic import check_bounds
from ..rans.gaussians import Mixture
from ..weights.file import INTEGER
from ..weights.narrow import Narrowing, tensors_within
from .operations import Array, Attention, Norm, Operations
from .predictor import Span
from .slots import NONE, Slots


class Tensors:
    """The tensors below a prefix, as the operations take them."""

    def __init__(self, tensors: Mapping[str, NDArray], ops: Operations, prefix: str = "") -> None:
        self.tensors, self.ops, self.prefix = tensors, ops, prefix

    def below(self, name: object) -> "Tensors":
        """Those below prefix.name."""
        return Tensors(self.tensors, self.ops, f"{self.prefix}{name}.")

    def raw(self, name: str) -> NDArray:
        """The tensor `name` as it is stored."""
        return self.tensors[self.prefix + name]

    def array(self, name: str) -> Array:
        """The tensor `name`."""
        return self.ops.array(self.raw(name))

    def optional(self, name: str) -> Array | None:
        """The tensor `name`, if there is one."""
        return self.array(name) if self.prefix + name in self.tensors else None

    def layer(self, name: str) -> Any:
        """The layer `name`."""
        layer = self.below(name)
        return self.ops.layer(layer.raw("weight"), layer.raw("multiplier"), layer.raw("bias"))

    def norm(self, name: str) -> Norm:
        """The norm `name`."""
        norm = self.below(name)
        return Norm(norm.array("gain"), norm.optional("bias"), float(norm.raw("eps")))


class Block:
    """One transformer block."""

    def __init__(self, t: Tensors, heads: int, exponentials: Array) -> None:
        self.ops = t.ops
        self.norm_1, self.norm_2 = t.norm("norm_1"), t.norm("norm_2")
        self.qkv, self.out = t.layer("qkv"), t.layer("out")
        self.mlp_in, self.mlp_out = t.layer("mlp_in"), t.layer("mlp_out")
        steps, attended = float(t.raw("steps")), float(t.raw("attended"))
        self.attention = Attention(heads, steps, attended, exponentials)
        self.curve = t.optional("activation")

    def __call__(self, h: Array, cache: Any, spans: Sequence[Span], limits: NDArray) -> Array:
        """The residual stream (n, width), integers in float32."""
        ops = self.ops
        qkv = ops.saturated(self.qkv, ops.norm(self.norm_1, h))
        h = ops.added(self.out, ops.attention(self.attention, qkv, cache, spans, limits), h)
        hidden = ops.activated(self.mlp_in, ops.norm(self.norm_2, h), self.curve)
        return ops.added(self.mlp_out, hidden, h)


class Head:
    """Mixtures of one slice of a token's channels, as the coder's integers."""

    def __init__(self, t: Tensors, config: ModelConfig, exponentials: Array) -> None:
        self.ops, self.slices, self.rate = t.ops, config.slices, config.rate
        self.components, self.width = config.entropy.mixtures, config.entropy.head_width
        self.means, self.rungs = t.array("means"), t.array("rungs")
        self.exponentials = exponentials
        self.out = [t.layer(f"out.{k}") for k in range(len(self.slices))]
        if self.width:
            self.from_trunk = t.layer("from_trunk")
            zeros = np.zeros(self.width, np.float32)
            self.from_earlier = [t.ops.layer(np.zeros((self.width, 0), np.int8), zeros, zeros)]
            self.from_earlier += [t.layer(f"from_earlier.{k}") for k in range(len(self.slices) - 1)]

    def prepare(self, trunk: Array) -> Array:
        """What all slices need of the trunk's output, computed once per group."""
        return self.ops.rounded(self.from_trunk, trunk) if self.width else trunk

    def mixtures(self, k: int, prepared: Array, earlier: Array, aim: Aim) -> Mixture:
        """The mixtures of slice k: rows (n, channels).

        Args:
            earlier: (n, channels before slice k) int8 tokens.
        """
        if self.width:
            prepared = prepared[:, k * self.width : (k + 1) * self.width]
            prepared = self.ops.hidden(self.from_earlier[k], earlier, prepared)
        where = self.slices[k]
        return self.ops.mixture(
            self.ops.unrounded(self.out[k], prepared),
            self.components,
            self.means[self.rate.row(aim), where],
            self.rungs[self.rate.row(aim), where],
            self.exponentials,
        )


class Layers:
    """All that a network has of its own, made ready."""

    def __init__(self, t: Tensors, config: ModelConfig) -> None:
        ops, e = t.ops, config.entropy
        self.table = t.array("squash")
        self.embed = t.layer("embed")
        mask = t.raw("mask")
        self.mask = ops.array(np.stack((np.zeros_like(mask), mask)))
        self.positions, self.quality = t.array("positions"), t.array("quality")
        self.source_positions = t.array("source_positions") if e.source_positions else None
        self.neighbours = t.layer("neighbours") if e.neighbours else None
        self.known = ops.array(_all_sums(t.raw("neighbours_known"))) if e.neighbours else None
        exponentials = ops.table(t.raw("exp_table"))
        self.blocks = [
            Block(t.below(f"blocks.{i}"), e.heads, exponentials) for i in range(e.layers)
        ]
        self.norm = t.norm("norm")
        self.head = Head(t.below("head"), config, exponentials)


class IntegerNetwork(Narrowing):
    """Tokens in, integer mixtures of the next tokens out: a Network (predict/predictor.py)."""

    exact = True

    def __init__(
        self, config: ModelConfig, tensors: Mapping[str, NDArray], ops: Operations
    ) -> None:
        check_bounds(config)
        self.config, self.tensors, self.ops = config, tensors, ops
        self.name, self.threads, self.slices = ops.name, ops.threads, config.slices

    def narrowed(self, config: ModelConfig) -> "IntegerNetwork":
        """See Narrowing."""
        tensors = tensors_within(self.tensors, config, INTEGER)
        return IntegerNetwork(config, tensors, self.ops)

    @cached_property
    def layers(self) -> Layers:
        """Made ready when they are needed."""
        return Layers(Tensors(self.tensors, self.ops), self.config)

    def squash(self, symbols: NDArray[np.int32]) -> Array:
        """Token integers of any size as the network takes them: int8, odd, from a table."""
        return self.ops.squash(symbols, self.layers.table)

    def cache(self, sizes: Sequence[int]) -> list[Any]:
        """For each block, room for the keys and values of windows of so many tokens."""
        e = self.config.entropy
        return [self.ops.cache(sizes, e.heads, e.width // e.heads) for _ in range(e.layers)]

    def prepare(self, trunk: Array) -> Array:
        """See Network."""
        return self.layers.head.prepare(trunk)

    def mixtures(self, k: int, prepared: Array, earlier: Array, aim: Aim) -> Mixture:
        """See Network."""
        return self.layers.head.mixtures(k, prepared, earlier, aim)

    def trunk(
        self, tokens: Array, slots: Slots, spans: Sequence[Span], aim: Aim, cache: list[Any]
    ) -> Array:
        """Run slots through the transformer: (N + 1, C) int8 tokens -> (n, width) int8."""
        h, layers = self._enter(tokens, slots, aim), self.layers
        limits = slots.limit.astype(np.int32)
        for block, kept in zip(layers.blocks, cache, strict=True):
            h = block(h, kept, spans, limits)
        return self.ops.norm(layers.norm, h)

    def _enter(self, tokens: Array, slots: Slots, aim: Aim) -> Array:
        """The residual stream as it starts: sums in a fixed order."""
        layers = self.layers
        h = self.ops.rounded(layers.embed, tokens[slots.source])
        h += layers.positions[slots.position]
        h += layers.mask[(slots.source == NONE).astype(np.int64)]
        if layers.source_positions is not None:
            h += layers.source_positions[slots.source_position]
        if layers.neighbours is not None and layers.known is not None:
            around = tokens[slots.neighbours].reshape(len(slots.neighbours), -1)
            h += self.ops.rounded(layers.neighbours, around)
            h += layers.known[(slots.neighbours != NONE) @ (1 << np.arange(8))]
        h += layers.quality[self.config.rate.row(aim)]
        return self.ops.limited(h)


def _all_sums(rows: NDArray) -> NDArray[np.float32]:
    """(8, width) integers -> (256, width): the sum of the rows whose bits are set."""
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    return (bits.astype(np.float64) @ rows.astype(np.float64)).astype(np.float32)
