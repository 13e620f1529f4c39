"""Files that appear under their names when they are whole, or not at all."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves there stays
    fcntl = None

LONGEST = 40
"""Characters of a name that a temporary one keeps: file systems take 255 bytes."""
TEMPORARY = re.compile(rf"\..{{1,{LONGEST}}}\.[0-9a-f]{{16}}\.tmp", re.DOTALL)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside `path` to write to, which takes its name at the end of the `with` block.

    A file that is replaced hands its permissions on. Where the block raises, what was written is
    gone, and `path` is as it was. A process that is killed leaves the file: see remove_leftovers.
    """
    temporary, lock = _begun(path)
    try:
        if path.exists():  # before anything is in it that others should not read
            temporary.chmod(path.stat().st_mode & 0o7777)
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)


def _begun(path: Path) -> tuple[Path, int | None]:
    """A new file beside `path`, and what holds a lock on it for as long as this process lives."""
    while True:
        temporary = path.with_name(f".{path.name[:LONGEST]}.{os.urandom(8).hex()}.tmp")
        file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if fcntl is None:
            os.close(file)
            return temporary, None
        with contextlib.suppress(OSError):  # without locks here, nobody gets one to remove it
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_still(temporary, file):
            return temporary, file
        os.close(file)  # somebody took it for a leftover before it was locked


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left of replacing() in a folder; never raises OSError.

    That are files with the names of temporary ones whose lock nobody holds.
    """
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [Path(entry.path) for entry in entries if TEMPORARY.fullmatch(entry.name)]
        for path in found:
            with contextlib.suppress(OSError):
                _remove_unless_locked(path)


def _remove_unless_locked(path: Path) -> None:
    assert fcntl is not None
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError where its writer lives
        if stat.S_ISREG(os.fstat(file).st_mode) and _is_still(path, file):
            path.unlink()
    finally:
        os.close(file)


def _is_still(path: Path, file: int) -> bool:
    """Whether a path is that of an open file."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except FileNotFoundError:
        return False
