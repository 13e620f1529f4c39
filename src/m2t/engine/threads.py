"""Operations on pictures, their rows shared among threads."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .arithmetic import Finish
from .pictures import Kernel, Picture, PictureOperations

Item = TypeVar("Item")

FEWEST_PLACES = 256
"""Less than that is not worth a thread."""


def num_cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS and Windows have none
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def in_threads(work: Callable[[Item], object], items: Iterable[Item], num_threads: int) -> None:
    """Call `work` with each item, on so many threads at a time; raises what a call raises."""
    if num_threads <= 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(num_threads) as pool:
        list(pool.map(work, items))  # what is raised cancels the rest


@contextmanager
def beside(together: bool) -> Iterator[Callable[[Callable[[], Item]], Callable[[], Item]]]:
    """What begins a call, and gives what waits for its result.

    With `together` the caller goes on meanwhile; else the call is done at once.
    """
    if not together:

        def at_once(work: Callable[[], Item]) -> Callable[[], Item]:
            item = work()
            return lambda: item

        yield at_once
        return
    with ThreadPoolExecutor(1) as other:
        yield lambda work: other.submit(work).result


@contextmanager
def shared(ops: PictureOperations, num_threads: int) -> Iterator[PictureOperations]:
    """Operations on so many threads, by those of `ops` on one."""
    if num_threads == 1:
        yield ops
        return
    with ThreadPoolExecutor(num_threads - 1) as pool:
        yield ThreadedPictures(ops, pool, num_threads)


class ThreadedPictures:
    """See PictureOperations: those of `ops`, which must run on one thread and release the lock."""

    def __init__(self, ops: PictureOperations, pool: ThreadPoolExecutor, num_threads: int) -> None:
        self.ops, self.pool, self.num_threads = ops, pool, num_threads
        self.name, self.kernel = ops.name, ops.kernel

    def _share(self, picture: NDArray[Any], run: Callable[[slice], None]) -> None:
        """`run` on all rows of a picture, in as many parts as are worth it."""
        rows, columns = len(picture), picture.shape[1]
        count = max(1, min(self.num_threads, rows, rows * columns // FEWEST_PLACES))
        parts = [slice(rows * i // count, rows * (i + 1) // count) for i in range(count)]
        others = [self.pool.submit(run, part) for part in parts[1:]]
        run(parts[0])
        for other in others:
            other.result()

    def conv(self, kernel: Kernel, x: Picture, out: Picture, finish: Finish) -> None:
        """See PictureOperations."""

        def run(part: slice) -> None:
            self.ops.conv(kernel, x[part.start * kernel.stride :], out[part], finish)

        self._share(out, run)

    def stream_norm(self, x: Picture, gain: NDArray[np.float32], eps: float, out: Picture) -> None:
        """See PictureOperations."""
        self._share(x, lambda part: self.ops.stream_norm(x[part], gain, eps, out[part]))

    def rectify(self, x: Picture, out: Picture) -> None:
        """See PictureOperations."""
        self._share(x, lambda part: self.ops.rectify(x[part], out[part]))

    def scale(self, tokens: NDArray[np.int32], gains: NDArray[np.float32], out: Picture) -> None:
        """See PictureOperations."""
        self._share(out, lambda part: self.ops.scale(tokens[part], gains, out[part]))

    def pixels(self, x: Picture, num_lines: int, out: NDArray[np.uint8]) -> None:
        """See PictureOperations."""

        def run(part: slice) -> None:
            target = out[part.start * num_lines : part.stop * num_lines]
            self.ops.pixels(x[part], num_lines, target)

        self._share(x, run)
