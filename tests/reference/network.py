"""The entropy model: tokens in, mixtures of the next tokens out.

docs/decoding.md, "The entropy model". One window at a time, and all slots at once: that slots
before the current group pass again changes nothing, for they do not see later ones.
"""

from typing import Any

import numpy as np

from .operations import RESIDUAL_LIMIT, Array, Tensors, clamped, int8, linear, norm, rounded
from .rans import Mixture
from .slots import NONE, Slots
from .weights import Weights

HEAD_STEPS = np.float32(64)
WEIGHT_SUM = np.float32(2**14)
MEAN_LIMIT = 2**21


class Network:
    """The entropy model of some weights."""

    def __init__(self, weights: Weights) -> None:
        self.entropy: dict[str, Any] = weights.config["entropy"]
        self.num_channels: int = weights.config["transform"]["latent_channels"]
        prefix = "integer."
        self.t: Tensors = {
            name.removeprefix(prefix): tensor
            for name, tensor in weights.tensors.items()
            if name.startswith(prefix)
        }
        ends = np.cumsum(self.entropy["slices"] or [self.num_channels]).tolist()
        self.slices = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]

    def squash(self, symbols: Array) -> Array:
        """Symbols as the network takes them: int8, odd."""
        table = self.t["squash"].astype(np.int64)
        return np.sign(symbols) * table[np.minimum(np.abs(symbols), len(table) - 1)]

    def trunk(self, tokens: Array, slots: Slots, width: int, aim: int) -> Array:
        """(n, width of the network) of n slots.

        Args:
            tokens: (N + 1, C) squashed, the last one zero: what NONE names.
            width: of the window, in tokens.
        """
        h = self.entered(tokens, slots, width, aim)
        for i in range(self.entropy["layers"]):
            name = f"blocks.{i}"
            qkv = int8(linear(self.t, f"{name}.qkv", self.norm(f"{name}.norm_1", h)))
            attended = self.attention(name, qkv, slots.limit)
            h = self.added(h, linear(self.t, f"{name}.out", attended))
            hidden = linear(self.t, f"{name}.mlp_in", self.norm(f"{name}.norm_2", h))
            h = self.added(h, linear(self.t, f"{name}.mlp_out", self.activated(name, hidden)))
        return self.norm("norm", h)

    def entered(self, tokens: Array, slots: Slots, width: int, aim: int) -> Array:
        """The residual stream as it starts."""
        t, largest = self.t, self.entropy["window"]
        masked = slots.source == NONE

        def place(token: Array) -> Array:
            return token // width * largest + token % width

        h = rounded(linear(t, "embed", tokens[slots.source]))
        h = h + t["positions"][place(slots.target)]
        h = h + np.where(masked[:, None], t["mask"], np.float32(0))
        if self.entropy["source_positions"]:
            source = np.where(masked, slots.target, slots.source)
            h = h + t["source_positions"][place(source)]
        if self.entropy["neighbours"]:
            around = tokens[slots.neighbours].reshape(len(h), -1)
            h = h + rounded(linear(t, "neighbours", around))
            known = (slots.neighbours != NONE).astype(np.float64)
            h = h + (known @ t["neighbours_known"].astype(np.float64)).astype(np.float32)
        return clamped(h + t["quality"][aim], RESIDUAL_LIMIT)

    def norm(self, name: str, h: Array) -> Array:
        """The norm of that name."""
        bias = self.t.get(f"{name}.bias")
        return norm(h, self.t[f"{name}.gain"], float(self.t[f"{name}.eps"]), bias)

    def added(self, h: Array, x: Array) -> Array:
        """The residual stream with something added, within its limit."""
        return clamped(h + rounded(x), RESIDUAL_LIMIT)

    def activated(self, name: str, x: Array) -> Array:
        """ReLU, or a table over -127..127 of another curve."""
        curve = self.t.get(f"{name}.activation")
        return np.maximum(int8(x), 0) if curve is None else curve[int8(x).astype(int) + 127]

    def attention(self, name: str, qkv: Array, limit: Array) -> Array:
        """(n, 3 width) queries, keys and values -> (n, width)."""
        n, heads = len(qkv), self.entropy["heads"]
        steps, attended = self.t[f"{name}.steps"], self.t[f"{name}.attended"]
        q, k, v = qkv.astype(np.float64).reshape(n, 3, heads, -1).transpose(1, 2, 0, 3)
        products = q @ k.swapaxes(1, 2)  # (heads, n, n)
        seen = np.arange(n) < limit[:, None]
        largest = np.where(seen, products, -np.inf).max(-1, keepdims=True)
        drop = np.where(seen, largest - products, 0).astype(np.float32)
        terms = np.where(seen, self.exponential(rounded(drop * steps)), 0)
        total = terms.sum(-1, keepdims=True, dtype=np.float64).astype(np.float32)
        weights = rounded(terms.astype(np.float32) * (WEIGHT_SUM / total))
        sums = (weights.astype(np.float64) @ v).swapaxes(0, 1).reshape(n, -1)
        return int8(sums.astype(np.float32) * attended)

    def exponential(self, drop: Array) -> Array:
        """The table's entry; beyond its end, the last one."""
        table = self.t["exp_table"]
        return table[np.minimum(drop, len(table) - 1).astype(int)]

    def mixtures(self, k: int, trunk: Array, earlier: Array, aim: int) -> list[list[Mixture]]:
        """The mixtures of slice k: for each of n tokens, for each channel.

        Args:
            trunk: (n, width) of the slots that predict the tokens.
            earlier: (n, C) their channels as far as they are known, squashed.
        """
        channels, width = self.slices[k], self.entropy["head_width"]
        if width:
            hidden = rounded(linear(self.t, "head.from_trunk", trunk))
            hidden = hidden[:, k * width : (k + 1) * width]
            if k > 0:
                name = f"head.from_earlier.{k - 1}"
                hidden = hidden + rounded(linear(self.t, name, earlier[:, : channels.start]))
            trunk = int8(np.maximum(hidden, 0) / HEAD_STEPS)
        raw = linear(self.t, f"head.out.{k}", trunk)
        raw = raw.reshape(len(raw), 3, self.entropy["mixtures"], -1)
        mean, rung, logit = raw.transpose(1, 0, 3, 2)  # (n, channels, K)
        mean = clamped(rounded(mean * self.t["head.means"][aim, channels, None]), MEAN_LIMIT)
        rung = np.clip(rounded(rung + self.t["head.rungs"][aim, channels, None]), 0, 255)
        logit = rounded(logit)
        terms = self.exponential(logit.max(-1, keepdims=True) - logit)
        weight = mixture_weights(terms)
        return [
            [Mixture(*parts) for parts in zip(*token, strict=True)]
            for token in zip(*(x.astype(int).tolist() for x in (mean, rung, weight)), strict=True)
        ]


def mixture_weights(terms: Array) -> Array:
    """(..., K) integers whose sum is 2^15: differences of rounded cumulative shares."""
    sums = np.cumsum(terms, axis=-1, dtype=np.float64)
    ends = rounded(sums / sums[..., -1:] * 2**15)
    return np.diff(ends, axis=-1, prepend=0)
