"""Files that appear under their names when they are whole, or not at all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 40
"""Characters of a name that a temporary one keeps: file systems take 255 bytes."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside `path` to write to, which takes its name at the end of the `with` block.

    A file that is replaced hands its permissions on. Where the block raises, what was written is
    gone, and `path` is as it was.
    """
    temporary = path.with_name(f".{path.name[:LONGEST]}.{secrets.token_hex(8)}.tmp")
    try:
        temporary.touch(exist_ok=False)
        if path.exists():  # before anything is in it that others should not read
            temporary.chmod(path.stat().st_mode & 0o7777)
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
