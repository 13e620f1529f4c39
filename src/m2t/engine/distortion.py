"""What a change of each pixel costs with each tune, and what to expect of moves that mend it.

With the tune "psnr" it is the squared error; with "eye" what is seen (eye.py), of blocks as large
as the crops of training. Every sum has its order: files are the same from every processor.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..config import STRIDE, Tune
from ..geometry.windows import Window, cut, latent_size
from .eye_tables import SMALLEST
from .threads import in_threads

Pixels = npt.NDArray[np.uint8]
Painted = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]

BAND = 4
"""Rows of tokens that are summed up at a time."""
BLOCK = 24
"""Largest side, in tokens, of what is judged as a whole."""
STIFFNESS = 4.0
"""By how much more than by their gradients moves count for the eye: several at one place mend the
same error, and its worst places own the gradient."""


class Distortions(Protocol):
    """What tunes ask of a painted picture: here or in C. All arrays may be views.

    x (H, W, 3) is RGB; x_hat the same as it was painted: in 1/64 around the middle, not clamped.
    """

    def seen(self, x: Pixels, x_hat: Painted, slopes: Floats) -> None:
        """Fill slopes (H, W, 3) with the gradient of what the eye sees: see eye.block_slopes.

        Blocks have at most BLOCK tokens along a side, and no side below SMALLEST.
        """
        ...

    def squared(self, x: Pixels, x_hat: Painted, slopes: Floats) -> None:
        """Fill slopes (H, W, 3) with the gradient of the squared error.

        All gradients are by pixels from 0 to 1, summed over pixels.
        """
        ...

    def energies(self, slopes: Floats, out: Floats) -> None:
        """Fill out (h, w) with the mean square of slopes (H, W, 3) in each token."""
        ...


def pixel_slopes(
    x: Pixels, x_hat: Painted, tune: Tune, ops: Distortions, num_threads: int = 1
) -> tuple[Floats, Floats]:
    """What a change of each pixel costs, to first order, and how far that holds.

    Args:
        x, x_hat: see Distortions.
        tune: which distortion.

    Returns:
        (H, W, 3) gradient of the distortion, summed over pixels, by pixels from 0 to 1; and (h, w),
        by how much more than to squared error the tokens matter to it, which is what to multiply
        curvatures by.
    """
    height, width = x.shape[:2]
    rows, columns = latent_size(height, width)
    slopes = np.empty(x.shape, np.float32)
    bands = [slice(i, min(i + BAND, rows)) for i in range(0, rows, BAND)]
    if tune == "psnr" or min(height, width) < SMALLEST:

        def fill(band: slice) -> None:
            lines = _lines(band)
            ops.squared(x[lines], x_hat[lines], slopes[lines])

        in_threads(fill, bands, num_threads)
        return slopes, np.ones((rows, columns), np.float32)
    energy, squared = np.empty((2, rows, columns), np.float32)

    def look(window: Window) -> None:
        pixels = _lines(window.rows), _lines(window.columns)
        ops.seen(x[pixels], x_hat[pixels], slopes[pixels])

    def sum_up(band: slice) -> None:
        lines = _lines(band)
        ops.energies(slopes[lines], energy[band])
        other = np.empty(slopes[lines].shape, np.float32)
        ops.squared(x[lines], x_hat[lines], other)
        ops.energies(other, squared[band])

    in_threads(look, cut(rows, columns, BLOCK), num_threads)
    in_threads(sum_up, bands, num_threads)
    ratio = np.sqrt(_spread(energy) / np.maximum(_spread(squared), np.float32(1e-6)))
    mean = np.cumsum(ratio, dtype=np.float64)[-1] / ratio.size  # sums one after another
    return slopes, np.float32(STIFFNESS) * np.sqrt(ratio * np.float32(mean))


def _lines(tokens: slice) -> slice:
    return slice(tokens.start * STRIDE, tokens.stop * STRIDE)


def _spread(energy: Floats) -> Floats:
    """(h, w): the mean of each token and those around it."""
    for axis in (0, 1):
        size = energy.shape[axis]
        around = [np.clip(np.arange(size) + step, 0, size - 1) for step in (-1, 0, 1)]
        above, here, below = (energy.take(places, axis) for places in around)
        energy = ((above + here) + below) / np.float32(3)
    return energy
