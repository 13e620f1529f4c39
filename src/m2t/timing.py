"""Seconds that something takes, and a machine fit to take them."""

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def median_seconds(
    action: Callable[[], object], most_runs: int, most_seconds: float = math.inf
) -> float:
    """Median of up to `most_runs`, `most_seconds` of them, after one for warming up.

    What takes over half of `most_seconds` is warm enough by its end: one run is all.
    """
    seconds: list[float] = []
    while len(seconds) <= most_runs and sum(seconds[1:]) < most_seconds:
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
        if seconds[0] > most_seconds / 2:
            return seconds[0]
    return statistics.median(seconds[1:])


class Stopwatch:
    """Sums up the seconds of each stage, on one thread."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        """By stage, in the order in which they first began."""
        self.stage: str | None = None
        """The one that is counted now."""
        self._since = 0.0

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time as that of `stage` alone: one around it stands still meanwhile."""
        outer = self._switch(stage)
        try:
            yield
        finally:
            self._switch(outer)

    def _switch(self, stage: str | None) -> str | None:
        now = time.perf_counter()
        if self.stage is not None:
            self.seconds[self.stage] += now - self._since
        if stage is not None:
            self.seconds.setdefault(stage, 0.0)
        before, self.stage, self._since = self.stage, stage, now
        return before


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch, if anything has imported it, on one thread inside a `with` block."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
