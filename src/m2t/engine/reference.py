"""The operations in NumPy: the definition of what the core computes, and what runs without it.

Sums of products are exact: in float32 below 2^24, in float64 below 2^53. So it does not matter in
which order a machine adds them.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..config import STRIDE
from .arithmetic import STREAM_LIMIT, TOKEN_LIMIT, Finish
from .eye import block_slopes
from .eye_tables import UNITS, WHITE, errors, levels
from .pictures import Kernel, Picture

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

_BAND = 2**16
"""Places whose windows are copied at a time."""


def rounded(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """To the nearest integer, halves to even."""
    return np.rint(x)


def clamped(x: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """Within -limit..limit."""
    return np.clip(x, np.float32(-limit), np.float32(limit))


def wrapped(sums: NDArray[np.float64]) -> NDArray[np.int32]:
    """Exact integers as 32 bits hold them: what is too large wraps around."""
    return sums.astype(np.int64).astype(np.uint32).view(np.int32)


class ReferencePictures:
    """See PictureOperations."""

    name = "reference"

    def kernel(
        self,
        weights: NDArray[np.integer],
        multiplier: NDArray[np.float32],
        bias: NDArray[np.float32],
        stride: int = 1,
    ) -> Kernel:
        """See PictureOperations."""
        flat = weights.reshape(len(weights), -1)
        return Kernel(flat, multiplier, bias, weights.shape[1], stride)

    def conv(self, kernel: Kernel, x: Picture, out: Picture, finish: Finish) -> None:
        """See PictureOperations."""
        weights = kernel.weights.T.astype(np.float64)
        rows = max(1, _BAND // max(1, out.shape[1]))
        for start in range(0, len(out), rows):
            part = out[start : start + rows]
            seen = x[start * kernel.stride :][: (len(part) - 1) * kernel.stride + kernel.side]
            sums = wrapped(windows(kernel, seen, part.shape[1]) @ weights)
            finished(sums.astype(np.float32) * kernel.multiplier + kernel.bias, part, finish)

    def stream_norm(self, x: Picture, gain: NDArray[np.float32], eps: float, out: Picture) -> None:
        """See PictureOperations."""
        squares = np.square(x.astype(np.int64)).sum(-1, keepdims=True)
        scale = 1.0 / np.sqrt(squares.astype(np.float64) / x.shape[-1] + eps)
        normed = x.astype(np.float32) * scale.astype(np.float32) * gain
        out[:] = clamped(rounded(normed), 127)

    def rectify(self, x: Picture, out: Picture) -> None:
        """See PictureOperations."""
        np.maximum(x, 0, out=out)

    def scale(self, tokens: NDArray[np.int32], gains: NDArray[np.float32], out: Picture) -> None:
        """See PictureOperations."""
        out[:] = clamped(rounded(tokens.astype(np.float32) * gains), STREAM_LIMIT)

    def pixels(self, x: Picture, num_lines: int, out: NDArray[np.uint8]) -> None:
        """See PictureOperations."""
        rows, columns, values = x.shape
        lines = x.reshape(rows, columns, num_lines, values // num_lines).swapaxes(1, 2)
        painted = lines.reshape(rows * num_lines, -1, 3)[: out.shape[0], : out.shape[1]]
        out[:] = np.clip((painted.astype(np.int32) + 8192) >> 6, 0, 255)


def windows(kernel: Kernel, x: Picture, columns: int) -> NDArray[np.float64]:
    """(rows, columns, inputs) of x's windows, each row by row."""
    side, stride = kernel.side, kernel.stride
    views = sliding_window_view(x, (side, side), (0, 1))  # (rows, columns, channels, side, side)
    views = views[::stride, ::stride][:, :columns].transpose(0, 1, 3, 4, 2)
    return views.reshape(*views.shape[:2], -1).astype(np.float64)


def finished(values: NDArray[np.float32], out: Picture, finish: Finish) -> None:
    """Values to a picture, as `finish` says."""
    if finish == Finish.RAW:
        out[:] = values
    elif finish == Finish.STREAM:
        out[:] = clamped(rounded(values), STREAM_LIMIT)
    elif finish == Finish.STREAM_ADDED:
        out[:] = clamped(out.astype(np.float32) + rounded(values), STREAM_LIMIT)
    elif finish == Finish.TOKENS:
        out[:] = clamped(rounded(values), TOKEN_LIMIT)
    elif finish == Finish.SATURATED:
        out[:] = clamped(rounded(values), 127)
    elif finish == Finish.RELU:
        out[:] = np.clip(rounded(values), 0, 127)
    else:
        raise ValueError(f"pictures cannot be finished by {finish!r}")


class ReferenceDistortions:
    """See Distortions (distortion.py)."""

    def seen(self, x: Pixels, x_hat: Picture, slopes: Floats) -> None:
        """See Distortions."""
        block_slopes(x, x_hat, slopes)

    def squared(self, x: Pixels, x_hat: Picture, slopes: Floats) -> None:
        """See Distortions."""
        inside = (x_hat >= -WHITE) & (x_hat <= WHITE)
        unit = np.float32(2 / 3 * 255 / UNITS)
        slopes[:] = np.where(inside, unit * errors(x, levels(x_hat)), np.float32(0))

    def energies(self, slopes: Floats, out: Floats) -> None:
        """See Distortions. Sums go down each column of a token, then across."""
        width = slopes.shape[1]
        for i, row in enumerate(out):
            band = slopes[i * STRIDE : (i + 1) * STRIDE]
            squares = band * band
            pixels = (squares[..., 0] + squares[..., 1]) + squares[..., 2]
            columns = np.zeros(len(row) * STRIDE, np.float32)
            columns[:width] = np.cumsum(pixels, 0)[-1]
            sizes = np.minimum(STRIDE, width - np.arange(0, width, STRIDE)) * (3 * len(band))
            sums = np.cumsum(columns.reshape(-1, STRIDE), 1)[:, -1]
            row[:] = sums / sizes.astype(np.float32)
