"""Analysis, synthesis and slopes of one model, strip by strip, on several threads."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..config import STRIDE, Aim, ModelConfig
from ..engine.arithmetic import STREAM_LIMIT
from ..engine.distortion import BlockSlopes, pixel_slopes
from ..engine.pictures import Picture, PictureOperations
from ..engine.threads import shared
from ..geometry.bands import Strip, strips
from ..geometry.windows import Latents, latent_size
from ..protocols import Done, Pixels, Slopes
from .adjoint import Adjoint
from .analysis import Analysis
from .kernels import BLOCK_LINES, Tensors
from .synthesis import Synthesis

Floats = NDArray[np.float32]

TOKENS_PER_STRIP = 4096
"""Area (1 megapixel) that is transformed at once: what it takes fits a processor's caches."""


class LappedTransforms:
    """See Transforms (protocols.py). Safe to share."""

    exact = True

    def __init__(
        self,
        config: ModelConfig,
        tensors: Tensors,
        ops: PictureOperations,
        block_slopes: BlockSlopes,
    ) -> None:
        self.config, self.ops, self.block_slopes = config, ops, block_slopes
        self.tensors, self.name = tensors, ops.name
        self.synthesis = Synthesis(config, tensors, ops)

    @cached_property
    def analysis(self) -> Analysis:
        """Made ready when it is needed: decoders do without."""
        return Analysis(self.config, self.tensors, self.ops)

    @cached_property
    def adjoint(self) -> Adjoint:
        """Made ready when it is needed."""
        return Adjoint(self.config, self.tensors, self.ops)

    def analyse(self, rgb: Pixels, aim: Aim, num_threads: int, done: Done) -> Latents:
        """See Transforms."""
        rows, columns = latent_size(*rgb.shape[:2])
        y_hat = np.empty((rows, columns, self.config.transform.latent_channels), np.int32)
        with shared(self.ops, num_threads) as ops:
            for strip in strips(rows, columns, 0, TOKENS_PER_STRIP):
                self.analysis.run(ops, rgb, aim, strip.rows, y_hat[strip.rows])
                done((strip.stop - strip.start) * columns)
        return y_hat

    def synthesise(
        self, y_hat: Latents, height: int, width: int, aim: Aim, num_threads: int, done: Done
    ) -> Pixels:
        """See Transforms."""
        rgb = np.empty((height, width, 3), np.uint8)
        with shared(self.ops, num_threads) as ops:
            for strip, blocks in self._painted(ops, y_hat, aim):
                ops.pixels(blocks, BLOCK_LINES, rgb[_lines(strip)])
                done((strip.stop - strip.start) * y_hat.shape[1])
        return rgb

    def slopes(
        self, rgb: Pixels, y_hat: Latents, aim: Aim, linear: bool, num_threads: int, done: Done
    ) -> tuple[Slopes, Floats]:
        """See Transforms. Always by the linear part: what the networks answer is little."""
        x_hat = np.empty(rgb.shape, np.int16)
        slopes = np.empty(y_hat.shape, np.float32)
        with shared(self.ops, num_threads) as ops:
            for strip, blocks in self._painted(ops, y_hat, aim):
                target = x_hat[_lines(strip)]
                target[:] = _as_pixels(blocks)[: target.shape[0], : target.shape[1]]
                done((strip.stop - strip.start) * y_hat.shape[1])
            by_pixels, stiffness = pixel_slopes(rgb, x_hat, aim.tune, self.block_slopes)
            largest = np.abs(by_pixels).max()
            unit = np.float32(max(float(largest), 1e-30) / STREAM_LIMIT)
            rounded = np.rint(by_pixels / unit).astype(np.int16)
            rows, columns, _ = y_hat.shape
            for strip in strips(rows, columns, 0, TOKENS_PER_STRIP):
                self.adjoint.run(ops, rounded, unit, aim, strip.rows, slopes[strip.rows])
        return slopes, stiffness

    def step_errors(self, aim: Aim) -> Floats:
        """See Transforms."""
        return self.adjoint.step_errors(aim)

    def _painted(
        self, ops: PictureOperations, y_hat: Latents, aim: Aim
    ) -> Iterator[tuple[Strip, Picture]]:
        """Strips of tokens, and the blocks that they paint."""
        halo, side = self.config.transform.synthesis_halo, STRIDE // BLOCK_LINES
        rows, columns, _ = y_hat.shape
        for strip in strips(rows, columns, halo, TOKENS_PER_STRIP):
            blocks = self.synthesis.paint(ops, y_hat[strip.context], aim)
            yield strip, blocks[side * strip.inner.start : side * strip.inner.stop]


def _lines(strip: Strip) -> slice:
    """The lines of pixels that a strip yields."""
    return slice(strip.start * STRIDE, strip.stop * STRIDE)


def _as_pixels(blocks: Picture) -> Picture:
    """(rows, columns, 48) -> (4 rows, 4 columns, 3)."""
    rows, columns, _ = blocks.shape
    lines = blocks.reshape(rows, columns, BLOCK_LINES, -1).swapaxes(1, 2)
    return lines.reshape(rows * BLOCK_LINES, -1, 3)
