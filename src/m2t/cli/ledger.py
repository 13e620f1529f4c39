"""What was done in earlier runs, and the file that tells of it: docs/json.md has its rows."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ..container import read_head
from ..container.header import LAYERS
from ..errors import FormatError, OutputError
from ..work import Wanted, num_layers
from .files import Job, make_folder

COARSE_NS = (1, 100, 10**7, 10**9, 2 * 10**9)
"""In what steps file systems keep times."""
START = b'{"input": '
"""Of a ledger, and of each line."""


class Ledger:
    """A file of one JSON object per file that was made or failed; the last of a target counts."""

    def __init__(self, path: Path) -> None:
        """Read the file, if it is there.

        Raises OutputError where it cannot be read or written, or is something else.
        """
        import sqlite3

        self.path = path
        make_folder(path.parent)
        self._rows = sqlite3.connect("")  # on disk where it gets large, and gone at the end
        self._rows.execute("CREATE TABLE rows (target BLOB PRIMARY KEY, row TEXT)")
        try:
            torn = path.exists() and not self._read()
            self._file = path.open("ab", buffering=0)
            if torn:
                self._file.write(b"\n")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error

    def _read(self) -> bool:
        """Find all rows; whether the last line is whole."""
        line = b"\n"
        with self.path.open("rb") as file:
            for i, line in enumerate(file):
                if i == 0 and not START.startswith(line[: len(START)]):
                    raise OutputError(f"{self.path} is no ledger, and stays as it is")
                try:
                    target = os.fsencode(json.loads(line)["output"])
                except (ValueError, TypeError, KeyError):
                    continue  # a run was killed while it wrote, or the row is of no target
                row = target, line.decode()
                self._rows.execute("INSERT OR REPLACE INTO rows VALUES (?, ?)", row)
        return line.endswith(b"\n")

    def row(self, target: Path) -> dict[str, Any] | None:
        """What earlier runs tell of a target; None where it failed, or was not there."""
        found = self._rows.execute(
            "SELECT row FROM rows WHERE target = ?", (os.fsencode(target),)
        ).fetchone()
        row = json.loads(found[0]) if found else {}
        return row if "sha256" in row else None

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row, at once."""
        left = memoryview(json.dumps(row).encode() + b"\n")
        try:
            while left:  # a disk that gets full takes a part, and says so the next time
                left = left[self._file.write(left) :]
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """The file is closed, whole."""
        self._file.close()
        self._rows.close()


@contextmanager
def opened(path: Path | None) -> Iterator[Ledger | None]:
    """The ledger at `path`, if any; raises OutputError where it cannot be read or written."""
    if path is None:
        yield None
        return
    with closing(Ledger(path)) as ledger:
        yield ledger


def is_done(job: Job, row: Mapping[str, Any] | None, wanted: Wanted) -> bool:
    """Whether a target is there, made as `wanted` of its source as it is now.

    By the ledger's row, if there is one: name, size and time of the source. Otherwise by times.
    Raises OSError where the source cannot be looked at.
    """
    source = job.source.stat()
    if row is not None:
        known = tuple(row.get(name) for name in ("input", "input_bytes", "modified_ns"))
        fresh = known == (str(job.source), source.st_size, source.st_mtime_ns)
    else:
        fresh = job.target.exists() and _is_newer(job.target.stat().st_mtime_ns, source.st_mtime_ns)
    return fresh and is_as_wanted(job, row, wanted)


def is_as_wanted(job: Job, row: Mapping[str, Any] | None, wanted: Wanted) -> bool:
    """Whether a target is there, made with the options wanted: by the row, if any, and by itself.

    Rows of earlier versions tell no options, and pictures tell nothing.
    """
    if not job.target.is_file():
        return False
    if row is not None and row.get("options", wanted.options) != wanted.options:
        return False
    if not job.to_m2t:
        return job.target.stat().st_size > 0
    try:
        facts = facts_of(job.target)
    except FormatError:
        return False
    is_stripped = wanted.keep is None or facts["metadata"] <= set(wanted.keep)
    return is_stripped and all(
        facts.get(name, value) == value for name, value in wanted.facts.items()
    )


def facts_of(path: Path) -> dict[str, Any]:
    """How an .m2t file was made, by itself: quality, tune, layers, model, names of metadata.

    A lossless file has neither layers nor a model, whichever were wanted of its tokens. Little of
    it is read, unless it is in layers. Raises FormatError or OSError.
    """
    with path.open("rb") as file:
        head = read_head(file)
    header = head.header
    made = header.aim._asdict() | {"lossless": header.lossless, "metadata": set(head.metadata)}
    if header.lossless:
        return made
    layers = num_layers(path.read_bytes()) if header.version == LAYERS else 1
    return made | {"layers": layers, "model": header.model_id.hex()}


def _is_newer(target_ns: int, source_ns: int) -> bool:
    """Or the same, as far as the target's file system keeps it."""
    return target_ns >= source_ns or any(target_ns == source_ns // n * n for n in COARSE_NS)
