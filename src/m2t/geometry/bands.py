"""Cut a tall image into bands, so that memory does not grow with its size."""

from collections.abc import Iterator
from typing import NamedTuple


class Band(NamedTuple):
    """Rows start:stop of the whole, computed from rows first:last, so that no seam is seen."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def rows(self) -> slice:
        """The rows that the band yields."""
        return slice(self.start, self.stop)

    @property
    def context(self) -> slice:
        """The rows that it is computed from."""
        return slice(self.first, self.last)

    @property
    def inner(self) -> slice:
        """The rows that it yields, counted from the start of its context."""
        return slice(self.start - self.first, self.stop - self.first)


def bands(height: int, width: int, halo: int, area: int) -> Iterator[Band]:
    """Bands of about `area` cells of height x width, each with `halo` rows around it."""
    rows = max(1, round(area / width))
    count = max(1, round(height / rows))
    for i in range(count):
        start, stop = height * i // count, height * (i + 1) // count
        yield Band(start, stop, max(0, start - halo), min(height, stop + halo))
