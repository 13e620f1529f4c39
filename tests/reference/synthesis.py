"""The synthesis: tokens to pixels.

docs/decoding.md, "The synthesis". Whole pictures, layer after layer.
"""

import numpy as np

from .aims import aim_of
from .operations import (
    STREAM_LIMIT,
    Array,
    Tensors,
    clamped,
    convolved,
    int8,
    norm,
    rounded,
    shuffled,
    wrapped,
)
from .weights import Weights


class Synthesis:
    """The synthesis of some weights at one aim."""

    def __init__(self, weights: Weights, quality: int, eye: bool) -> None:
        prefix = "lapped.synthesis."
        self.t: Tensors = {
            name.removeprefix(prefix): tensor
            for name, tensor in weights.tensors.items()
            if name.startswith(prefix)
        }
        transform = weights.config["transform"]
        self.num_blocks: int = transform["blocks"]
        self.num_fine: int = transform.get("fine_blocks", 0)
        gains = weights.tensors["lapped.gains"][quality - 1 + 100 * eye]
        self.gains = np.float32(1) / gains / self.t["unit"]
        self.shift = [np.float32(value) for value in aim_of(weights.config["rate"], quality, eye)]

    def pixels(self, y_hat: Array, height: int, width: int) -> Array:
        """Tokens (h, w, C) -> RGB (height, width, 3), uint8."""
        tokens = clamped(rounded(y_hat.astype(np.float32) * self.gains), STREAM_LIMIT)
        plain_8 = self.painted(tokens)  # (2 h, 2 w, 192)
        plain = shuffled(plain_8, 2)  # (4 h, 4 w, 48)
        z = self.stream("enter", tokens)
        for i in range(self.num_blocks):
            z = self.block(f"blocks.{i}", z)
        z = np.maximum(z, 0)
        last = shuffled(self.stream("spread", z), 4)
        if self.num_fine:
            last = self.sum(last, shuffled(self.raw("fine.leave", self.fine(z, plain_8)), 2))
        last = self.sum(last, self.raw("blend", plain))
        last = self.sum(last, self.raw("render", np.maximum(last, 0)))
        plain = self.sum(plain, self.raw("leave", np.maximum(last, 0)))
        levels = (shuffled(plain, 4).astype(np.int64) + 8192) >> 6
        return np.clip(levels, 0, 255)[:height, :width].astype(np.uint8)

    def painted(self, tokens: Array) -> Array:
        """The linear picture: a transposed convolution to 2x2 places for each token."""
        height, width, channels = tokens.shape
        weight = self.t["linear.weight"]
        padded = np.zeros((height + 2, width + 2, channels))
        padded[1:-1, 1:-1] = tokens
        sums = np.zeros((2 * height, 2 * width, len(weight)))
        for a in range(2):
            for b in range(2):
                # Row 2 y + a gets tap k of token row y + s where 2 (y + s) + k - 1 is that row.
                for s in (a - 1, a):
                    for u in (b - 1, b):
                        taps = weight[:, a + 1 - 2 * s, b + 1 - 2 * u].T.astype(np.float64)
                        seen = padded[1 + s : 1 + s + height, 1 + u : 1 + u + width]
                        sums[a::2, b::2] += seen @ taps
        values = wrapped(sums).astype(np.float32) * self.t["linear.multiplier"]
        return clamped(rounded(values + self.t["linear.bias"]), STREAM_LIMIT)

    def fine(self, z: Array, plain: Array) -> Array:
        """What there is at 1/8: blocks over what z and the linear picture say."""
        fine = shuffled(self.stream("fine.spread", z), 2)
        fine = self.sum(fine, self.raw("fine.blend", plain))
        for i in range(self.num_fine):
            fine = self.block(f"fine.blocks.{i}", fine)
        return np.maximum(fine, 0)

    def block(self, name: str, z: Array) -> Array:
        """z + 3x3(relu(3x3(norm(z)) + shift))."""
        t, (quality, tune) = self.t, self.shift
        normed = norm(z, t[f"{name}.gain"], float(t[f"{name}.eps"]))
        shift = quality * t[f"{name}.quality"] + tune * t[f"{name}.tune"]
        hidden = self.raw(f"{name}.first", normed, t[f"{name}.first.bias"] + shift)
        return self.sum(z, self.raw(f"{name}.second", np.maximum(int8(hidden), 0)))

    def raw(self, name: str, x: Array, bias: Array | None = None) -> Array:
        """The convolution of that name, not rounded."""
        bias = self.t[f"{name}.bias"] if bias is None else bias
        return convolved(self.t[f"{name}.weight"], self.t[f"{name}.multiplier"], bias, x)

    def stream(self, name: str, x: Array) -> Array:
        """The convolution of that name, to 16 bits."""
        return clamped(rounded(self.raw(name, x)), STREAM_LIMIT)

    def sum(self, stream: Array, x: Array) -> Array:
        """A stream of 16 bits with something added."""
        return clamped(stream + rounded(x), STREAM_LIMIT)
