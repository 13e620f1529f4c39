"""The core (core/m2t.h) from Python: several times as fast as the reference, the same integers.

Operations run on one thread and release Python's lock.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arithmetic import Finish
from .eye_tables import light_tables
from .pictures import Kernel, Picture

try:
    from . import _core as core
except ImportError:  # installed without a C compiler
    core: Any = None

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

NOTHING = np.empty(0, np.int8)
TILE_COLUMNS: int = core.TILE_COLUMNS if core else 1
"""The core pads outputs and slots to multiples of it."""


def levels() -> tuple[str, ...]:
    """The instruction sets of this processor that the core knows; none if nothing was compiled."""
    return core.levels() if core else ()


def sizes(*numbers: int) -> NDArray[np.int64]:
    """As the core takes them."""
    return np.array(numbers, np.int64)


def encode(
    symbols: NDArray[np.int32], model: tuple[NDArray[Any], ...], state: int
) -> tuple[bytes, int]:
    """See rans/reference.py."""
    return core.encode(state, symbols, *model)


def decode(
    data: bytes,
    position: int,
    state: int,
    symbols: NDArray[np.int32],
    model: tuple[NDArray[Any], ...],
) -> tuple[int, int, int]:
    """See rans/reference.py."""
    return core.decode(position, state, data, symbols, *model)


def move(
    symbols: NDArray[np.int32],
    model: tuple[NDArray[Any], ...],
    slopes: NDArray[np.float32],
    curvatures: NDArray[np.float32],
    bits: NDArray[np.float64],
) -> NDArray[np.int32]:
    """See encoder/moves.py."""
    out = np.empty_like(symbols)
    core.move(symbols, slopes, curvatures, bits, out, *model)
    return out


def steps(array: Picture) -> tuple[int, int]:
    """Elements from row to row, and from place to place."""
    return array.strides[0] // array.itemsize, array.strides[1] // array.itemsize


def packed(weights: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Weights (outputs, inputs), int8 or int16, in the order in which the core reads them."""
    bits, (outputs, inputs) = 8 * weights.itemsize, weights.shape
    result = np.empty(core.packed_bytes(bits, outputs, inputs), np.uint8)
    core.pack(np.ascontiguousarray(weights), result, sizes(bits, outputs, inputs))
    return result


def _layout(*arrays: Picture) -> NDArray[np.int64]:
    """Height and width of pictures of one size, and the elements from row to row of each."""
    return sizes(*arrays[0].shape[:2], *(steps(array)[0] for array in arrays))


class NativeDistortions:
    """See Distortions (distortion.py). `level` is one of levels()."""

    def __init__(self, level: int) -> None:
        self.level = level

    def seen(self, x: Pixels, x_hat: Picture, slopes: Floats) -> None:
        """See Distortions."""
        core.eye(self.level, _layout(x, x_hat, slopes), x, x_hat, *light_tables(), slopes)

    def squared(self, x: Pixels, x_hat: Picture, slopes: Floats) -> None:
        """See Distortions."""
        core.squared(_layout(x, x_hat, slopes), x, x_hat, slopes)

    def energies(self, slopes: Floats, out: Floats) -> None:
        """See Distortions."""
        core.energies(_layout(slopes), slopes, out)


class NativePictures:
    """See PictureOperations. `level` is one of levels()."""

    def __init__(self, level: int) -> None:
        self.level, self.name = level, levels()[level]

    def kernel(
        self,
        weights: NDArray[np.integer],
        multiplier: NDArray[np.float32],
        bias: NDArray[np.float32],
        stride: int = 1,
    ) -> Kernel:
        """See PictureOperations."""
        flat = weights.reshape(len(weights), -1)
        return Kernel(packed(flat), multiplier, bias, weights.shape[1], stride)

    def conv(self, kernel: Kernel, x: Picture, out: Picture, finish: Finish) -> None:
        """See PictureOperations."""
        (x_row, x_column), (out_row, out_column) = steps(x), steps(out)
        rows, columns, outputs = out.shape
        shape = sizes(
            *(8 * x.itemsize, finish, rows, columns, outputs),
            *(kernel.side, kernel.side * x.shape[2], x_row),
            *(kernel.stride * x_row, kernel.stride * x_column, out_row, out_column, 0),
        )
        core.conv(
            *(self.level, shape, x, kernel.weights, kernel.multiplier, kernel.bias),
            *(NOTHING, NOTHING, out),
        )

    def stream_norm(self, x: Picture, gain: NDArray[np.float32], eps: float, out: Picture) -> None:
        """See PictureOperations."""
        core.stream_norm(self.level, eps, sizes(*x.shape, *steps(x), *steps(out)), x, gain, out)

    def rectify(self, x: Picture, out: Picture) -> None:
        """See PictureOperations."""
        np.maximum(x, 0, out=out)

    def scale(self, tokens: NDArray[np.int32], gains: NDArray[np.float32], out: Picture) -> None:
        """See PictureOperations."""
        tokens = np.ascontiguousarray(tokens)
        core.scale(self.level, sizes(*tokens.shape, *steps(out)), tokens, gains, out)

    def pixels(self, x: Picture, num_lines: int, out: NDArray[np.uint8]) -> None:
        """See PictureOperations."""
        rows, columns, values = x.shape
        height, width, _ = out.shape
        shape = (rows, columns, num_lines, values // num_lines, height, 3 * width)
        core.pixels(self.level, sizes(*shape, *steps(x), out.strides[0]), x, out)
