"""Parts of a picture, in pixels, and the tokens that they are painted from."""

from collections.abc import Iterator
from typing import NamedTuple

from ..config import STRIDE
from ..options import check
from .windows import Window, latent_size


class Region(NamedTuple):
    """Some pixels of a picture: columns x .. x + width - 1, rows y .. y + height - 1."""

    x: int
    y: int
    width: int
    height: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)

    def check(self, width: int, height: int) -> None:
        """Raise ConfigError unless it has pixels, all of them in a picture of that size."""
        some = self.width > 0 and self.height > 0 and self.x >= 0 and self.y >= 0
        inside = self.x + self.width <= width and self.y + self.height <= height
        text = ",".join(map(str, self))
        check(some and inside, f"region {text} is not inside the picture of {width}x{height}")

    def aligned(self, side: int, width: int, height: int) -> "Region":
        """Widened to whole squares of side x side pixels, as far as the picture goes."""
        x, y = self.x // side * side, self.y // side * side
        right = min(-(-(self.x + self.width) // side) * side, width)
        bottom = min(-(-(self.y + self.height) // side) * side, height)
        return Region(x, y, right - x, bottom - y)

    def tokens(self, halo: int, width: int, height: int) -> Window:
        """The tokens of these pixels and `halo` around them, as far as the picture goes."""
        rows, columns = latent_size(height, width)
        top, left = max(0, self.y // STRIDE - halo), max(0, self.x // STRIDE - halo)
        bottom, right = latent_size(self.y + self.height, self.x + self.width)
        return Window(top, left, min(rows, bottom + halo) - top, min(columns, right + halo) - left)


def slabs(width: int, height: int, num_pixels: int) -> Iterator[Region]:
    """A picture in pieces of about so many pixels, one after the other along its longer side."""
    count = -(-width * height // num_pixels)
    for i in range(count):
        start, stop = (max(width, height) * place // count for place in (i, i + 1))
        if start == stop:
            continue
        if width > height:
            yield Region(start, 0, stop - start, height)
        else:
            yield Region(0, start, width, stop - start)
