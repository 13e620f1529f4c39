"""Analysis, synthesis and slopes of one model, band by band, on several threads."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..config import STRIDE, Aim, ModelConfig
from ..engine.arithmetic import STREAM_LIMIT
from ..engine.distortion import Distortions, pixel_slopes
from ..engine.pictures import Picture, PictureOperations
from ..engine.threads import in_threads, shared
from ..geometry.bands import bands
from ..geometry.windows import Latents, latent_size
from ..image import reduced
from ..protocols import Done, Pixels, Slopes
from ..weights.file import LAPPED
from ..weights.narrow import Narrowing, tensors_within
from .adjoint import Adjoint
from .analysis import Analysis
from .kernels import BLOCK_LINES, Tensors
from .preview import SCALES, Preview
from .synthesis import Synthesis

Floats = NDArray[np.float32]

TOKENS_PER_BAND = 1024
"""Area that is transformed at once on each thread: what it takes fits a processor's caches."""
LINES_PER_BAND = 2 * STRIDE
"""Of pixels whose gradients are rounded at once on each thread."""


class LappedTransforms(Narrowing):
    """See Transforms (protocols.py). Safe to share."""

    exact = True

    def __init__(
        self,
        config: ModelConfig,
        tensors: Tensors,
        ops: PictureOperations,
        distortions: Distortions,
    ) -> None:
        self.config, self.ops, self.distortions = config, ops, distortions
        self.tensors, self.name = tensors, ops.name
        self.previews: dict[int, Preview] = {}
        """By scale: made ready when they are needed."""

    def narrowed(self, config: ModelConfig) -> "LappedTransforms":
        """See Narrowing."""
        tensors = tensors_within(self.tensors, config, LAPPED)
        return LappedTransforms(config, tensors, self.ops, self.distortions)

    @cached_property
    def synthesis(self) -> Synthesis:
        """Made ready when it is needed."""
        return Synthesis(self.config, self.tensors, self.ops)

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
        channels = self.config.transform.latent_channels
        y_hat = np.empty((*latent_size(*rgb.shape[:2]), channels), np.int32)
        with shared(self.ops, num_threads) as ops:
            self.analysis.run(ops, rgb, aim, self._bands(y_hat, num_threads, done), y_hat)
        return y_hat

    def unrounded(self, rgb: Pixels, num_threads: int, done: Done) -> Floats:
        """See Transforms."""
        channels = self.config.transform.latent_channels
        sums = np.empty((*latent_size(*rgb.shape[:2]), channels), np.float32)
        with shared(self.ops, num_threads) as ops:
            self.analysis.sums(ops, rgb, self._bands(sums, num_threads, done), sums)
        return sums

    def rounded(self, sums: Floats, aim: Aim, dead_zone: float = 0.0) -> Latents:
        """See Transforms."""
        sums = sums[..., : self.config.transform.latent_channels]
        return self.analysis.rounded(sums, aim, dead_zone)

    def synthesise(
        self, y_hat: Latents, height: int, width: int, aim: Aim, num_threads: int, done: Done
    ) -> Pixels:
        """See Transforms."""
        rgb = np.empty((height, width, 3), np.uint8)
        with shared(self.ops, num_threads) as ops:
            for lines, blocks in self._painted(ops, y_hat, aim, num_threads, done):
                ops.pixels(blocks, BLOCK_LINES, rgb[lines])
        return rgb

    def halo(self, scale: int) -> int:
        """See Transforms."""
        return 1 if scale in SCALES else self.config.transform.synthesis_halo

    def preview(
        self,
        y_hat: Latents,
        height: int,
        width: int,
        scale: int,
        aim: Aim,
        num_threads: int,
        done: Done,
    ) -> Pixels:
        """See Transforms. At 1/2 the mean of all that is painted, at less of its linear part."""
        if scale not in SCALES:
            return reduced(self.synthesise(y_hat, height, width, aim, num_threads, done), scale)
        if scale not in self.previews:  # threads that come at once make the same
            self.previews[scale] = Preview(self.tensors, self.ops, scale)
        small = self.previews[scale]
        rgb = np.empty((-(-height // scale), -(-width // scale), 3), np.uint8)
        gains = self.synthesis.gains_of(aim)
        with shared(self.ops, num_threads) as ops:
            for rows in self._bands(y_hat, num_threads, done):
                small.run(ops, y_hat, rows, gains, rgb[small.lines(rows)])
        return rgb

    def slopes(
        self, rgb: Pixels, y_hat: Latents, aim: Aim, linear: bool, num_threads: int, done: Done
    ) -> tuple[Slopes, Floats]:
        """See Transforms. Always by the linear part: what the networks answer is little."""
        x_hat = self._painted_whole(rgb.shape, y_hat, aim, num_threads, done)
        by_pixels, stiffness = pixel_slopes(rgb, x_hat, aim.tune, self.distortions, num_threads)
        rounded = x_hat  # no longer needed
        unit = _rounded(by_pixels, rounded, num_threads)
        del by_pixels
        slopes = np.empty(y_hat.shape, np.float32)
        with shared(self.ops, num_threads) as ops:
            for rows in self._bands(y_hat, num_threads):
                self.adjoint.run(ops, rounded, unit, aim, rows, slopes[rows])
        return slopes, stiffness

    def step_errors(self, aim: Aim) -> Floats:
        """See Transforms."""
        return self.adjoint.step_errors(aim)

    def _painted_whole(
        self, shape: tuple[int, ...], y_hat: Latents, aim: Aim, num_threads: int, done: Done
    ) -> NDArray[np.int16]:
        """What tokens paint: (H, W, 3), in 1/64 around the middle, not clamped."""
        rows, columns, _ = y_hat.shape
        whole = np.empty((STRIDE * rows, STRIDE * columns, 3), np.int16)
        with shared(self.ops, num_threads) as ops:
            for lines, blocks in self._painted(ops, y_hat, aim, num_threads, done):
                _unfold(blocks, whole[lines])
        return whole[: shape[0], : shape[1]]

    def _painted(
        self, ops: PictureOperations, y_hat: Latents, aim: Aim, num_threads: int, done: Done
    ) -> Iterator[tuple[slice, Picture]]:
        """Which lines of pixels come next, and the blocks that paint them."""
        first = 0
        rows = self._bands(y_hat, num_threads, done)
        for blocks in self.synthesis.paint(ops, y_hat, rows, aim):
            last = first + BLOCK_LINES * len(blocks)
            if len(blocks):
                yield slice(first, last), blocks
            first = last

    def _bands(
        self, y_hat: Latents | Floats, num_threads: int, done: Done | None = None
    ) -> Iterator[slice]:
        """Rows of tokens that run together; tells of each after it."""
        rows, columns, _ = y_hat.shape
        for band in bands(rows, columns, 0, TOKENS_PER_BAND * num_threads):
            yield band.rows
            if done:
                done((band.stop - band.start) * columns)


def _rounded(by_pixels: Floats, out: Picture, num_threads: int) -> np.float32:
    """Fill `out` with what is nearest to gradients (H, W, 3), in the unit that is returned."""
    bands = [slice(i, i + LINES_PER_BAND) for i in range(0, len(out), LINES_PER_BAND)]
    largest = np.empty(len(bands), np.float32)

    def look(i: int) -> None:
        largest[i] = max(by_pixels[bands[i]].max(), -by_pixels[bands[i]].min())

    def fill(band: slice) -> None:
        out[band] = np.rint(by_pixels[band] / unit)

    in_threads(look, range(len(bands)), num_threads)
    unit = np.float32(max(float(largest.max()), 1e-30) / STREAM_LIMIT)
    in_threads(fill, bands, num_threads)
    return unit


def _unfold(blocks: Picture, lines: Picture) -> None:
    """(rows, columns, 48) -> (4 rows, 4 columns, 3)."""
    rows, columns, values = blocks.shape
    line = np.dtype((np.void, values // BLOCK_LINES * blocks.itemsize))  # copied in one piece
    target = lines.reshape(rows, BLOCK_LINES, columns, -1).view(line)
    target[:] = blocks.reshape(rows, columns, BLOCK_LINES, -1).view(line).swapaxes(1, 2)
