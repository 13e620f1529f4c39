"""Residual blocks on their way down a picture: streams of 16 bits, inside 8 times 7."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine.arithmetic import Finish
from ..engine.pictures import Kernel, PictureOperations
from . import kernels
from .kernels import Tensors
from .rows import Rows


class Block(NamedTuple):
    """z + 3x3(relu(3x3(norm(z))))."""

    gain: NDArray[np.float32]
    eps: float
    first: Kernel
    second: Kernel

    @staticmethod
    def of(ops: PictureOperations, t: Tensors, name: str) -> "Block":
        """The block `name`."""
        first, second = (kernels.kernel(ops, t, f"{name}.{part}") for part in ("first", "second"))
        return Block(t[f"{name}.gain"], float(t[f"{name}.eps"]), first, second)

    def shifted(self, shift: NDArray[np.floating]) -> "Block":
        """The block with its hidden values shifted, before the ReLU."""
        return self._replace(first=self.first._replace(bias=self.first.bias + shift))


class BlockRows:
    """A block on its way down a picture."""

    def __init__(self, block: Block, columns: int) -> None:
        self.block, channels = block, len(block.gain)
        self.normed = Rows(columns, channels, np.int8, 1)
        self.hidden = Rows(columns, channels, np.int8, 1)
        self.done = 0

    def run(self, ops: PictureOperations, z: Rows, stop: int, last: bool) -> int:
        """Change what can be changed of the stream, whose rows above `stop` are there.

        Returns how far that is.
        """
        block, normed, hidden, start = self.block, self.normed, self.hidden, self.done
        new = z[normed.stop : stop]
        ops.stream_norm(new, block.gain, block.eps, normed.add(stop))
        stop = normed.ready(last)
        seen = normed.around(hidden.stop, stop)
        ops.conv(block.first, seen, hidden.add(stop), Finish.RELU)
        normed.drop(stop)
        self.done = hidden.ready(last)
        seen = hidden.around(start, self.done)
        ops.conv(block.second, seen, z[start : self.done], Finish.STREAM_ADDED)
        hidden.drop(self.done)
        return self.done
