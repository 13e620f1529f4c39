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
