"""Tokens to pixels, in integers.

    tokens ─┬─ blocks at 1/16 ─┬─ spread to 1/4 ─┬─ 3x3 ─ 1x1 ─┬─► pixels
            │                  └─ blocks at 1/8 ──┤             │
            └─ painted linearly, at 1/4 ──────────┴─────────────┘

It is LappedSynthesis (learn/networks/lapped.py) rounded: streams of 16 bits, blocks that multiply
8 by 8 bits, all else 16 by 16. Pictures of places have a border of zeros where windows reach over
the edge.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..config import Aim, ModelConfig
from ..engine.arithmetic import Finish
from ..engine.pictures import Kernel, Picture, PictureOperations
from ..geometry.windows import Latents
from . import kernels
from .kernels import BLOCK, Tensors

INSIDE = slice(1, -1)


class Block(NamedTuple):
    """z + 3x3(relu(3x3(norm(z)) + shift))."""

    gain: NDArray[np.float32]
    eps: float
    first: Kernel
    quality: NDArray[np.float32]
    """What the shift of the hidden values is multiplied from: by the quality's t,"""
    tune: NDArray[np.float32]
    """and by the tune's."""
    second: Kernel

    def run(self, ops: PictureOperations, z: Picture, t: tuple[float, float]) -> None:
        """The stream z (h, w, channels), which changes."""
        normed, hidden = bordered(z, np.int8), bordered(z, np.int8)
        ops.stream_norm(z, self.gain, self.eps, normed[INSIDE, INSIDE])
        quality, tune = (np.float32(value) for value in t)
        bias = self.first.bias + (quality * self.quality + tune * self.tune)
        ops.conv(self.first._replace(bias=bias), normed, hidden[INSIDE, INSIDE], Finish.RELU)
        ops.conv(self.second, hidden, z, Finish.STREAM_ADDED)


def bordered(z: Picture, kind: type) -> Picture:
    """Zeros for a picture as large as z, and one place around it."""
    rows, columns, channels = z.shape
    return np.zeros((rows + 2, columns + 2, channels), kind)


def stream(rows: int, columns: int, channels: int) -> Picture:
    """Room for a picture of 16 bits."""
    return np.empty((rows, columns, channels), np.int16)


def every(picture: Picture, side: int, i: int) -> Picture:
    """Of each side x side places, row i: (rows, columns, side * channels)."""
    rows, columns, channels = picture.shape
    return picture.reshape(rows // side, side, columns // side, side * channels)[:, i]


class Synthesis:
    """The synthesis of one model. Safe to share."""

    def __init__(self, config: ModelConfig, t: Tensors, ops: PictureOperations) -> None:
        transform = config.transform
        self.rate, self.width, self.render_width = (
            config.rate,
            transform.width,
            transform.render_width,
        )
        self.gains = np.float32(1) / t["gains"] / t["synthesis.unit"]
        self.painting = kernels.painting(ops, t, "synthesis.linear")
        self.enter = kernels.kernel(ops, t, "synthesis.enter")
        self.blocks = [_block(ops, t, f"synthesis.blocks.{i}") for i in range(transform.blocks)]
        self.fine_blocks = [
            _block(ops, t, f"synthesis.fine.blocks.{i}") for i in range(transform.fine_blocks)
        ]
        if self.fine_blocks:
            self.fine_spread = kernels.rows_of(ops, t, "synthesis.fine.spread", 2)
            self.fine_blend = kernels.from_place(ops, t, "synthesis.fine.blend")
            self.fine_leave = kernels.rows_of(ops, t, "synthesis.fine.leave", 2)
        self.spread = kernels.rows_of(ops, t, "synthesis.spread", 4)
        self.blend = kernels.from_block(ops, t, "synthesis.blend")
        self.render = kernels.kernel(ops, t, "synthesis.render")
        self.leave = kernels.to_block(ops, t, "synthesis.leave")

    def paint(self, ops: PictureOperations, y_hat: Latents, aim: Aim) -> Picture:
        """The picture of tokens (h, w, C), in blocks: (4 h, 4 w, 48), 1/64 of a level."""
        tokens = bordered(y_hat, np.int16)
        ops.scale(y_hat, self.gains[self.rate.row(aim)], tokens[INSIDE, INSIDE])
        plain = self._painted(ops, tokens)
        z = self._coarse(ops, tokens, aim)
        fine = self._fine(ops, z, plain, aim) if self.fine_blocks else None
        self._render(ops, z, fine, plain)
        return plain

    def _painted(self, ops: PictureOperations, tokens: Picture) -> Picture:
        """The linear picture (4 h, 4 w, 48) of tokens with a border."""
        rows, columns = tokens.shape[0] - 2, tokens.shape[1] - 2
        plain = stream(4 * rows, 4 * columns, BLOCK)
        for a in range(2):
            for b in range(2):
                for i in range(2):
                    out = every(plain, 4, 2 * a + i)[..., 2 * b * BLOCK : 2 * (b + 1) * BLOCK]
                    ops.conv(self.painting[a][b][i], tokens[a:, b:], out, Finish.STREAM)
        return plain

    def _coarse(self, ops: PictureOperations, tokens: Picture, aim: Aim) -> Picture:
        """(h, w, width) after ReLU."""
        inside = tokens[INSIDE, INSIDE]
        rows, columns, _ = inside.shape
        z = stream(rows, columns, self.width)
        ops.conv(self.enter, inside, z, Finish.STREAM)
        for block in self.blocks:
            block.run(ops, z, self.rate.t(aim))
        ops.rectify(z, z)
        return z

    def _fine(self, ops: PictureOperations, z: Picture, plain: Picture, aim: Aim) -> Picture:
        """(2 h, 2 w, width / 2) after ReLU."""
        fine = stream(2 * len(z), 2 * z.shape[1], self.width // 2)
        for i, kernel in enumerate(self.fine_spread):
            ops.conv(kernel, z, every(fine, 2, i), Finish.STREAM)
        ops.conv(self.fine_blend, plain, fine, Finish.STREAM_ADDED)
        for block in self.fine_blocks:
            block.run(ops, fine, self.rate.t(aim))
        ops.rectify(fine, fine)
        return fine

    def _render(
        self, ops: PictureOperations, z: Picture, fine: Picture | None, plain: Picture
    ) -> None:
        """What the networks add to the linear picture, which changes."""
        rows, columns, _ = plain.shape
        last = stream(rows, columns, self.render_width)
        for i, kernel in enumerate(self.spread):
            ops.conv(kernel, z, every(last, 4, i), Finish.STREAM)
        if fine is not None:
            for i, kernel in enumerate(self.fine_leave):
                ops.conv(kernel, fine, every(last, 2, i), Finish.STREAM_ADDED)
        ops.conv(self.blend, plain, last, Finish.STREAM_ADDED)
        seen = bordered(last, np.int16)
        ops.rectify(last, seen[INSIDE, INSIDE])
        ops.conv(self.render, seen, last, Finish.STREAM_ADDED)
        ops.rectify(last, last)
        ops.conv(self.leave, last, plain, Finish.STREAM_ADDED)


def _block(ops: PictureOperations, t: Tensors, name: str) -> Block:
    return Block(
        t[f"{name}.gain"],
        float(t[f"{name}.eps"]),
        kernels.kernel(ops, t, f"{name}.first"),
        t[f"{name}.quality"],
        t[f"{name}.tune"],
        kernels.kernel(ops, t, f"{name}.second"),
    )
