"""Commands of `m2t` in processes that are forked from this one, to be killed at a moment. Linux."""

import contextlib
import ctypes
import multiprocessing
import os
import select
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from m2t.cli import main

PATIENCE = 60
"""Seconds after which what does not end is a fault."""
IN_CREATE = 0x100  # of <sys/inotify.h>


@contextlib.contextmanager
def watching(folders: Iterable[Path]) -> Iterator[Callable[[float], bool]]:
    """What waits for so many seconds, at most, until a file is made in one of some folders."""
    libc = ctypes.CDLL(None)
    inotify = libc.inotify_init()
    for folder in folders:
        libc.inotify_add_watch(inotify, os.fsencode(folder), IN_CREATE)

    def made(seconds: float) -> bool:
        ready, _, _ = select.select([inotify], [], [], seconds)
        return bool(ready and os.read(inotify, 1 << 16))

    try:
        yield made
    finally:
        os.close(inotify)


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """This process and those that it starts share a core: then it stops them when it wakes up."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Run:
    """A command in a session of its own, by a process that is forked from this one.

    So it need not import m2t first, and is at work when it is killed.
    """

    def __init__(self, arguments: Sequence[str], folder: Path, temporary: Path) -> None:
        """Start it in `folder`; other temporary files go to `temporary`."""
        self.stderr, theirs = os.pipe()
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=_run, args=(arguments, folder, temporary, theirs))
        self.process.start()
        os.close(theirs)

    def told(self) -> str:
        """Its errors, when it and all of its workers, who have the same stderr, have ended."""
        told = b""
        while select.select([self.stderr], [], [], PATIENCE)[0]:
            if not (more := os.read(self.stderr, 1 << 16)):
                os.close(self.stderr)
                self.process.join()
                return told.decode()
            told += more
        raise TimeoutError(f"it does not end; told: {told.decode()}")


def _run(arguments: Sequence[str], folder: Path, temporary: Path, stderr: int) -> None:
    os.setsid()
    os.nice(3)
    os.chdir(folder)
    os.dup2(stderr, 2)
    os.close(stderr)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    sys.exit(main(arguments))
