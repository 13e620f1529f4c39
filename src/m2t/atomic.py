"""Files that appear under their names when they are whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 40
"""Characters of a name that a temporary one keeps: file systems take 255 bytes."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its name at the end of the `with` block.

    Where the block raises, what was written is gone, and `path` is as it was.
    """
    temporary = path.with_name(f".{path.name[:LONGEST]}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
