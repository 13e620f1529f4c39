"""Tokens to pixels, in integers.

    tokens ─┬─ blocks at 1/16 ─┬─ spread to 1/4 ─┬─ 3x3 ─ 1x1 ─┬─► pixels
            │                  └─ blocks at 1/8 ──┤             │
            └─ painted linearly, at 1/4 ──────────┴─────────────┘

It is LappedSynthesis (learn/networks/lapped.py) rounded: streams of 16 bits, blocks that multiply
8 by 8 bits, all else 16 by 16. Pictures of places have a border of zeros where windows reach over
the edge. A picture passes from top to bottom: each layer runs as far as it has rows to see, and
leaves the rest for when there are more.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..config import Aim, ModelConfig
from ..engine.arithmetic import Finish
from ..engine.pictures import Picture, PictureOperations
from ..geometry.windows import Latents
from . import kernels
from .blocks import Block, BlockRows
from .kernels import BLOCK, FINE_SIDE, Tensors
from .rows import Rows

SIDE = 4
"""Places at 1/4 along a token's side."""


class AimedBlock(NamedTuple):
    """A block that knows what is asked for."""

    block: Block
    quality: NDArray[np.float32]
    """What the shift of the hidden values is multiplied from: by the quality's t,"""
    tune: NDArray[np.float32]
    """and by the tune's."""

    @staticmethod
    def of(ops: PictureOperations, t: Tensors, name: str) -> "AimedBlock":
        """The block `name`."""
        quality = t[f"{name}.quality"]
        without = np.zeros_like(quality)  # models of a single tune have no vector for it
        return AimedBlock(Block.of(ops, t, name), quality, t.get(f"{name}.tune", without))

    def at(self, t: tuple[float, float]) -> Block:
        """The block for one aim."""
        quality, tune = (np.float32(value) for value in t)
        return self.block.shifted(quality * self.quality + tune * self.tune)


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
        self.blocks = [
            AimedBlock.of(ops, t, f"synthesis.blocks.{i}") for i in range(transform.blocks)
        ]
        self.fine_blocks = [
            AimedBlock.of(ops, t, f"synthesis.fine.blocks.{i}")
            for i in range(transform.fine_blocks)
        ]
        if self.fine_blocks:
            self.fine_spread = kernels.rows_of(ops, t, "synthesis.fine.spread", FINE_SIDE)
            self.fine_blend = kernels.from_place(ops, t, "synthesis.fine.blend")
            self.fine_leave = kernels.rows_of(ops, t, "synthesis.fine.leave", FINE_SIDE)
        self.spread = kernels.rows_of(ops, t, "synthesis.spread", SIDE)
        self.blend = kernels.from_block(ops, t, "synthesis.blend")
        self.render = kernels.kernel(ops, t, "synthesis.render")
        self.leave = kernels.to_block(ops, t, "synthesis.leave")

    def gains_of(self, aim: Aim) -> NDArray[np.float32]:
        """(C,) what a step of each channel is worth in the stream of tokens."""
        return self.gains[self.rate.row(aim)]

    def paint(
        self, ops: PictureOperations, y_hat: Latents, bands: Iterable[slice], aim: Aim
    ) -> Iterator[Picture]:
        """The picture of tokens (h, w, C), in blocks: (4 h, 4 w, 48), 1/64 of a level.

        Args:
            bands: rows of tokens that run together; all of them, from top to bottom. Each yields
                the next rows of blocks, which lag behind.
        """
        painter = Painter(self, ops, y_hat.shape[1], aim)
        for rows in bands:
            yield from painter.run(y_hat[rows], rows.stop == len(y_hat))


class Painter:
    """The synthesis on its way down one picture of so many columns of tokens."""

    def __init__(self, s: Synthesis, ops: PictureOperations, columns: int, aim: Aim) -> None:
        self.synthesis, self.ops = s, ops
        self.gains, t = s.gains_of(aim), s.rate.t(aim)
        self.tokens = Rows(columns, s.gains.shape[1], np.int16, 1)
        self.z = Rows(columns, s.width, np.int16)
        self.blocks = [BlockRows(block.at(t), columns) for block in s.blocks]
        fine_columns = FINE_SIDE * columns
        self.fine = Rows(fine_columns, s.width // 2, np.int16)
        self.fine_blocks = [BlockRows(block.at(t), fine_columns) for block in s.fine_blocks]
        self.plain = Rows(SIDE * columns, BLOCK, np.int16)
        self.last = Rows(SIDE * columns, s.render_width, np.int16)
        self.seen = Rows(SIDE * columns, s.render_width, np.int16, 1)
        self.rendered = 0

    def run(self, y_hat: Latents, last: bool) -> Iterator[Picture]:
        """From the next rows of tokens to the blocks that are done."""
        stop = self._coarse(y_hat, last)
        stop = min(stop, self.tokens.ready(last))
        # At the end there are all rows that lagged behind: as many at a time as usual.
        start, size = self.plain.stop // SIDE, len(y_hat)
        for end in range(start + size, stop + size, size):
            yield self._painted(min(end, stop), last and end >= stop)

    def _painted(self, stop: int, last: bool) -> Picture:
        """The blocks that are done when all layers have gone on up to a row of tokens."""
        self._plain(stop)
        if self.fine_blocks:
            stop = self._fine(stop, last)
        self._blend(stop)
        return self._render(last)

    def _coarse(self, y_hat: Latents, last: bool) -> int:
        """To z, after ReLU; how far that is."""
        ops, start = self.ops, self.blocks[-1].done if self.blocks else self.z.stop
        stop = self.tokens.stop + len(y_hat)
        tokens = self.tokens.add(stop)
        ops.scale(y_hat, self.gains, tokens)
        ops.conv(self.synthesis.enter, tokens, self.z.add(stop), Finish.STREAM)
        for block in self.blocks:
            stop = block.run(ops, self.z, stop, last)
        done = self.z[start:stop]
        ops.rectify(done, done)
        return stop

    def _plain(self, stop: int) -> None:
        """The linear picture up to a row of tokens."""
        start = self.plain.stop // SIDE
        tokens, plain = self.tokens.around(start, stop), self.plain.add(SIDE * stop)
        for a in range(2):
            for b in range(2):
                for i in range(2):
                    out = every(plain, SIDE, 2 * a + i)[..., 2 * b * BLOCK : 2 * (b + 1) * BLOCK]
                    kernel = self.synthesis.painting[a][b][i]
                    self.ops.conv(kernel, tokens[a:, b:], out, Finish.STREAM)
        self.tokens.drop(stop)

    def _fine(self, stop: int, last: bool) -> int:
        """What z has up to a row, at 1/8, after ReLU; how far that is."""
        s, ops, before = self.synthesis, self.ops, self.fine_blocks[-1].done
        start, side = self.fine.stop // FINE_SIDE, SIDE // FINE_SIDE
        fine = self.fine.add(FINE_SIDE * stop)
        for i, kernel in enumerate(s.fine_spread):
            ops.conv(kernel, self.z[start:stop], every(fine, FINE_SIDE, i), Finish.STREAM)
        plain = self.plain[side * FINE_SIDE * start : side * FINE_SIDE * stop]
        ops.conv(s.fine_blend, plain, fine, Finish.STREAM_ADDED)
        done = FINE_SIDE * stop
        for block in self.fine_blocks:
            done = block.run(ops, self.fine, done, last)
        rows = self.fine[before:done]
        ops.rectify(rows, rows)
        return done // FINE_SIDE

    def _blend(self, stop: int) -> None:
        """All that is there up to a row of tokens, to `last`."""
        s, ops, start = self.synthesis, self.ops, self.last.stop // SIDE
        last = self.last.add(SIDE * stop)
        for i, kernel in enumerate(s.spread):
            ops.conv(kernel, self.z[start:stop], every(last, SIDE, i), Finish.STREAM)
        self.z.drop(stop)
        if self.fine_blocks:
            fine = self.fine[FINE_SIDE * start : FINE_SIDE * stop]
            for i, kernel in enumerate(s.fine_leave):
                ops.conv(kernel, fine, every(last, FINE_SIDE, i), Finish.STREAM_ADDED)
            self.fine.drop(FINE_SIDE * stop)
        ops.conv(s.blend, self.plain[SIDE * start : SIDE * stop], last, Finish.STREAM_ADDED)
        ops.rectify(last, self.seen.add(SIDE * stop))

    def _render(self, last: bool) -> Picture:
        """What the networks add to the linear picture, added."""
        s, ops, start = self.synthesis, self.ops, self.rendered
        stop = self.rendered = self.seen.ready(last)
        rows, plain = self.last[start:stop], self.plain[start:stop]
        ops.conv(s.render, self.seen.around(start, stop), rows, Finish.STREAM_ADDED)
        ops.rectify(rows, rows)
        ops.conv(s.leave, rows, plain, Finish.STREAM_ADDED)
        for part in (self.seen, self.last, self.plain):
            part.drop(stop)
        return plain


def every(picture: Picture, side: int, i: int) -> Picture:
    """Of each side x side places, row i: (rows, columns, side * channels)."""
    rows, columns, channels = picture.shape
    return picture.reshape(rows // side, side, columns // side, side * channels)[:, i]
