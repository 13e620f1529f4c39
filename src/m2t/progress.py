"""How far a conversion is, counted in tokens from several threads."""

from collections.abc import Callable
from threading import Lock

Progress = Callable[[float], object]
"""Called with the share that is done, 0..1."""


class Meter:
    """Counts tokens done: in each pass once by a transform, once by the coder."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0
        self.lock = Lock()

    def add(self, num_tokens: int) -> None:
        """Tokens have been transformed, or coded."""
        with self.lock:
            self.done += num_tokens
            if self.progress:
                self.progress(min(self.done / self.total, 1.0))

    def finish(self) -> None:
        """All is done, though it took fewer tokens than could have been."""
        self.add(max(self.total - self.done, 0))


def added(meter: Meter | None) -> Callable[[int], None]:
    """What tells the meter of tokens."""
    return meter.add if meter else lambda num_tokens: None
