"""What the nonlinear part of the analysis, a network, adds to the linear one, in integers.

    pixels ─ 8x8 to 1/8 ─ blocks ─ ReLU ─ 2x2 to 1/16 ─ blocks ─ ReLU ─ 1x1 ─► float32 latents

It is LappedAnalysis (learn/networks/lapped.py) rounded as the synthesis is: streams of 16 bits,
blocks that multiply 8 by 7 bits, all else 16 by 16. Nothing in it depends on the aim. A picture
passes from top to bottom, and each layer runs as far as it has rows to see.
"""

import numpy as np
from numpy.typing import NDArray

from ..config import TransformConfig
from ..engine.arithmetic import Finish
from ..engine.pictures import Picture, PictureOperations
from . import kernels
from .blocks import Block, BlockRows
from .kernels import FINE_SIDE, PIXELS, Tensors
from .rows import Rows

Floats = NDArray[np.float32]


class Nonlinear:
    """The network of one model. Safe to share."""

    def __init__(self, config: TransformConfig, t: Tensors, ops: PictureOperations) -> None:
        self.width, self.channels = config.width, config.latent_channels
        self.enter = kernels.from_pixels(ops, t, "analysis.enter")
        names = ["analysis.block", *(f"analysis.fine.{i}" for i in range(config.fine_blocks))]
        self.fine_blocks = [Block.of(ops, t, name) for name in names]
        self.down = kernels.kernel(ops, t, "analysis.down", FINE_SIDE)
        self.blocks = [Block.of(ops, t, f"analysis.blocks.{i}") for i in range(config.blocks)]
        self.leave = kernels.kernel(ops, t, "analysis.leave")


class NonlinearRows:
    """The network on its way down one picture of so many columns of tokens."""

    def __init__(self, network: Nonlinear, ops: PictureOperations, columns: int) -> None:
        self.network, self.ops, self.columns = network, ops, columns
        self.fine = Rows(FINE_SIDE * columns, network.width // 2, np.int16)
        self.fine_blocks = [BlockRows(block, FINE_SIDE * columns) for block in network.fine_blocks]
        self.z = Rows(columns, network.width, np.int16)
        self.blocks = [BlockRows(block, columns) for block in network.blocks]
        self.done = 0
        """Up to which row of tokens all is there."""

    def run(self, pixels: Picture, last: bool) -> Floats:
        """From the lines of the next rows of tokens to the latents of those that are done.

        Args:
            pixels: (lines, columns, 3) from -255 to 255, of whole tokens.
            last: there are no more.
        """
        return self._coarse(self._fine(pixels, last), last)

    def _fine(self, pixels: Picture, last: bool) -> int:
        """To the stream at 1/8, after ReLU; how many rows of tokens have all of it."""
        fine, ops, before = self.fine, self.ops, self.fine_blocks[-1].done
        done = fine.stop + len(pixels) // len(PIXELS)
        ops.conv(self.network.enter, pixels, fine.add(done), Finish.STREAM)
        for block in self.fine_blocks:
            done = block.run(ops, fine, done, last)
        rows = fine[before:done]
        ops.rectify(rows, rows)
        return done // FINE_SIDE

    def _coarse(self, stop: int, last: bool) -> Floats:
        """From the stream at 1/8 to latents."""
        network, ops, z, first, start = self.network, self.ops, self.z, self.z.stop, self.done
        seen = self.fine[FINE_SIDE * first : FINE_SIDE * stop]
        ops.conv(network.down, seen, z.add(stop), Finish.STREAM)
        self.fine.drop(FINE_SIDE * stop)
        for block in self.blocks:
            stop = block.run(ops, z, stop, last)
        rows = z[start:stop]
        ops.rectify(rows, rows)
        latents = np.empty((stop - start, self.columns, network.channels), np.float32)
        ops.conv(network.leave, rows, latents, Finish.RAW)
        z.drop(stop)
        self.done = stop
        return latents
