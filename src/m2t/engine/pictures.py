"""Operations of the transforms: on pictures of integers, rows by columns by channels.

A *place* is one position of such an array, with all its channels. Arrays may be parts of larger
ones: rows then lie apart, and places; but a place's channels follow each other, and so do the
places that windows of a convolution span.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .arithmetic import Finish

Picture = NDArray[Any]
"""(rows, columns, channels)."""


class Kernel(NamedTuple):
    """A convolution's weights, made ready, and where its windows lie."""

    weights: Any
    """(outputs, side * side * channels), as the operations want them: int8 or int16."""
    multiplier: NDArray[np.float32]
    """(outputs,)"""
    bias: NDArray[np.float32]
    """(outputs,)"""
    side: int
    """A window is side x side places."""
    stride: int
    """Places from window to window."""


class PictureOperations(Protocol):
    """What the transforms are made of. Each gives the same integers on every machine."""

    name: str
    """What computes them."""

    def kernel(
        self,
        weights: NDArray[np.integer],
        multiplier: NDArray[np.float32],
        bias: NDArray[np.float32],
        stride: int = 1,
    ) -> Kernel:
        """A kernel of weights (outputs, side, side, channels), int8 within -63..63 or int16."""
        ...

    def conv(self, kernel: Kernel, x: Picture, out: Picture, finish: Finish) -> None:
        """sum * multiplier + bias of each window of x, to out; sums wrap around at 32 bits.

        The window of out[i, j] starts at x[i * stride, j * stride]. Finish: STREAM and STREAM_ADDED
        for int16 pictures, SATURATED and RELU for int8, TOKENS for int32, RAW for float32.
        """
        ...

    def stream_norm(self, x: Picture, gain: NDArray[np.float32], eps: float, out: Picture) -> None:
        """int8 of x gain / rms(x) over the channels of each place."""
        ...

    def rectify(self, x: Picture, out: Picture) -> None:
        """ReLU."""
        ...

    def scale(self, tokens: NDArray[np.int32], gains: NDArray[np.float32], out: Picture) -> None:
        """Tokens (h, w, C) times gains (C,), rounded and clamped to int16."""
        ...

    def pixels(self, x: Picture, num_lines: int, out: NDArray[np.uint8]) -> None:
        """Places of `num_lines` lines of interleaved RGB, in 1/64 of a level, to bytes.

        out: (H, W, 3), no larger than what x paints; value v becomes (v + 8192) >> 6, clamped.
        """
        ...
