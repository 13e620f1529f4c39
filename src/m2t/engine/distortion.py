"""What a change of each pixel costs with each tune, and what to expect of moves that mend it.

With the tune "psnr" it is the squared error; with "eye" what is seen (eye.py), of blocks as large
as the crops of training. Every sum has its order: files are the same from every processor.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..config import STRIDE, Tune
from ..geometry.windows import Window, cut, latent_size
from .eye_tables import SMALLEST, UNITS, WHITE, Floats, errors, levels
from .threads import in_threads

BLOCK = 24
"""Largest side, in tokens, of what is judged as a whole."""
STIFFNESS = 4.0
"""By how much more than by their gradients moves count for the eye: several at one place mend the
same error, and its worst places own the gradient."""


class BlockSlopes(Protocol):
    """What fills slopes (H, W, 3), a view, for views of x and x_hat: here or in C."""

    def __call__(self, x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.int16], slopes: Floats, /):
        """See block_slopes."""


def pixel_slopes(
    x: npt.NDArray[np.uint8],
    x_hat: npt.NDArray[np.int16],
    tune: Tune,
    block: BlockSlopes,
    num_threads: int = 1,
) -> tuple[Floats, Floats]:
    """What a change of each pixel costs, to first order, and how far that holds.

    Args:
        x: (H, W, 3) RGB.
        x_hat: the same as it was painted: in 1/64 around the middle, not clamped.
        tune: which distortion.
        block: looks at blocks of at most BLOCK tokens, no side below SMALLEST.

    Returns:
        (H, W, 3) gradient of the distortion, summed over pixels, by pixels from 0 to 1; and (h, w),
        by how much more than to squared error the tokens matter to it, which is what to multiply
        curvatures by.
    """
    height, width = x.shape[:2]
    rows, columns = latent_size(height, width)
    if tune == "psnr" or min(height, width) < SMALLEST:
        return _squared_slopes(x, x_hat), np.ones((rows, columns), np.float32)
    seen = np.empty(x.shape, np.float32)
    energy, squared = np.empty((2, rows, columns), np.float32)

    def look(window: Window) -> None:
        pixels = _pixels(window)
        block(x[pixels], x_hat[pixels], seen[pixels])

    def sum_up(row: int) -> None:
        band = slice(row * STRIDE, (row + 1) * STRIDE)
        energy[row] = _energy(seen[band])
        squared[row] = _energy(_squared_slopes(x[band], x_hat[band]))

    in_threads(look, cut(rows, columns, BLOCK), num_threads)
    in_threads(sum_up, range(rows), num_threads)
    ratio = np.sqrt(_spread(energy) / np.maximum(_spread(squared), np.float32(1e-6)))
    mean = np.cumsum(ratio, dtype=np.float64)[-1] / ratio.size  # sums one after another
    return seen, np.float32(STIFFNESS) * np.sqrt(ratio * np.float32(mean))


def _squared_slopes(x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.int16]) -> Floats:
    inside = (x_hat >= -WHITE) & (x_hat <= WHITE)
    slopes = np.float32(2 / 3 * 255 / UNITS) * errors(x, levels(x_hat))
    return np.where(inside, slopes, np.float32(0))


def _pixels(window: Window) -> tuple[slice, slice]:
    rows, columns = window.rows, window.columns
    return (
        slice(rows.start * STRIDE, rows.stop * STRIDE),
        slice(columns.start * STRIDE, columns.stop * STRIDE),
    )


def _energy(band: Floats) -> Floats:
    """(w,): mean square of each token of a row of them, (up to 16, W, 3)."""
    height, width = band.shape[:2]
    squares = band * band
    rows = (squares[..., 0] + squares[..., 1]) + squares[..., 2]
    tokens = np.zeros(-(-width // STRIDE) * STRIDE, np.float32)
    tokens[:width] = np.cumsum(rows, 0)[-1]
    sizes = np.minimum(STRIDE, width - np.arange(0, width, STRIDE)) * (3 * height)
    return np.cumsum(tokens.reshape(-1, STRIDE), 1)[:, -1] / sizes.astype(np.float32)


def _spread(energy: Floats) -> Floats:
    """(h, w): the mean of each token and those around it."""
    for axis in (0, 1):
        size = energy.shape[axis]
        around = [np.clip(np.arange(size) + step, 0, size - 1) for step in (-1, 0, 1)]
        above, here, below = (energy.take(places, axis) for places in around)
        energy = ((above + here) + below) / np.float32(3)
    return energy
