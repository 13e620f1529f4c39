"""Cut latents of any size into balanced windows, coded independently, and put them together.

32x48 tokens become four windows of 16x24, not four of 24x24 that are a third padding.
"""

from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..config import STRIDE

Latents = NDArray[np.int32]
"""(h, w, C) tokens of a picture."""


class Window(NamedTuple):
    """A block of tokens: latent[..., top : top + height, left : left + width]."""

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        """Of the latent."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """Of the latent."""
        return slice(self.left, self.left + self.width)

    @property
    def area(self) -> int:
        """Number of tokens."""
        return self.height * self.width

    def common(self, other: "Window") -> "Window":
        """The tokens that both have: none where they do not meet."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom = min(self.top + self.height, other.top + other.height)
        right = min(self.left + self.width, other.left + other.width)
        return Window(top, left, max(0, bottom - top), max(0, right - left))

    def seen_from(self, other: "Window") -> "Window":
        """The same tokens, their place counted from the first one of another block."""
        return self._replace(top=self.top - other.top, left=self.left - other.left)


def _parts(length: int, largest: int) -> list[tuple[int, int]]:
    """(start, size) of ceil(length / largest) balanced parts; the larger ones come first."""
    count = -(-length // largest)
    size, extra = divmod(length, count)
    sizes = [size + (i < extra) for i in range(count)]
    return list(zip(accumulate(sizes, initial=0), sizes, strict=False))


def cut(height: int, width: int, largest: int) -> list[Window]:
    """Windows of at most `largest` x `largest` tokens, in raster order."""
    return [
        Window(top, left, rows, columns)
        for top, rows in _parts(height, largest)
        for left, columns in _parts(width, largest)
    ]


def which(windows: list[Window], part: Window) -> tuple[list[int], list[Window]]:
    """Those that have tokens of a part: their indices, and where they lie in it."""
    chosen = [i for i, window in enumerate(windows) if window.common(part).area]
    return chosen, [windows[i].seen_from(part) for i in chosen]


def latent_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of tokens of a picture of so many pixels."""
    return -(-height // STRIDE), -(-width // STRIDE)


def by_shape(windows: list[Window]) -> dict[tuple[int, int], list[int]]:
    """Indices of the windows of each (height, width), at most four, to be run as one batch."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for index, window in enumerate(windows):
        shapes.setdefault((window.height, window.width), []).append(index)
    return shapes
