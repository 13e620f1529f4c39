"""Rows of a picture on their way from layer to layer, so that no layer computes one twice."""

import numpy as np

from ..engine.pictures import Picture


class Rows:
    """The part of a tall picture that layers still need: rows are added below, and dropped above.

    Rows are named by their place in the whole picture. Views hold until rows are added.

    Args:
        border: places of zeros around the whole picture; windows reach so far.
    """

    def __init__(self, columns: int, channels: int, kind: type, border: int = 0) -> None:
        self.border, self.columns = border, columns
        self.array: Picture = np.zeros((border, columns + 2 * border, channels), kind)
        self.top = self.kept = -border
        """The row at the start of the array, and the first one that is still needed."""
        self.stop = 0
        """All rows above have been added."""

    def add(self, stop: int) -> Picture:
        """Room for all rows above `stop` that are not there yet, to be filled."""
        start, self.stop = self.stop, stop
        if stop - self.top > len(self.array):
            self._move(stop - self.kept)
        return self[start:stop]

    def _move(self, size: int) -> None:
        """What is needed to the start of the array, which then has room for `size` rows."""
        kept = self.array[self.kept - self.top :]
        if size > len(self.array):
            self.array = np.zeros((size, *kept.shape[1:]), kept.dtype)
        count = min(size, len(kept))
        self.array[:count] = kept[:count]
        self.top = self.kept

    def close(self) -> None:
        """There are no more: what lies below is zero."""
        height = self.stop
        self.add(height + self.border)[:] = 0
        self.stop = height

    def ready(self, last: bool) -> int:
        """Up to where windows find all that they see, if there are `last` no more rows to come."""
        if last:
            self.close()
            return self.stop
        return max(0, self.stop - self.border)

    def __getitem__(self, rows: slice) -> Picture:
        """Some rows, without their border."""
        inside = slice(self.border, self.border + self.columns)
        return self.array[rows.start - self.top : rows.stop - self.top, inside]

    def around(self, start: int, stop: int) -> Picture:
        """Some rows with the border around them, or with the rows above and below."""
        return self.array[start - self.border - self.top : stop + self.border - self.top]

    def drop(self, start: int) -> None:
        """Rows above `start` are no longer needed, but as its border."""
        self.kept = start - self.border
