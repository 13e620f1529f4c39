"""What there is, what was done before, and so what is left: tables on disk, whatever their size."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from .ledger import Ledger
from .sources import Source
from .stores import Entry

_AS_WANTED = ("quality", "tune", "lossless", "layers", "model", "options")
"""Columns of the ledger that tell how a file was made, where they tell anything."""
_TABLES = f"""
CREATE TABLE files (input TEXT PRIMARY KEY, target TEXT, num_bytes, modified_ns, shard, place);
CREATE TABLE done (input TEXT PRIMARY KEY, output, error, input_bytes, modified_ns, output_bytes,
    offset, {", ".join(_AS_WANTED)});
CREATE TABLE there (output TEXT PRIMARY KEY, num_bytes);
"""
_DONE = ("input", "output", "error", "input_bytes", "modified_ns", "output_bytes", "offset")
_DONE += _AS_WANTED
_MADE = "done.input IS NOT NULL AND done.error IS NULL"
_MATCHES = " AND ".join(f"coalesce(done.{name} = :{name}, 1)" for name in _AS_WANTED)
_STATE = f"""
SELECT files.input, files.target, files.num_bytes, files.modified_ns, {_MADE},
    {_MADE} AND done.input_bytes IS coalesce(files.num_bytes, done.input_bytes)
        AND done.modified_ns IS files.modified_ns
        AND {_MATCHES},
    there.output IS NOT NULL AND (done.offset IS NOT NULL OR there.num_bytes IS done.output_bytes),
    done.output, files.shard, files.place
FROM files LEFT JOIN done USING (input) LEFT JOIN there USING (output)
WHERE files.target IS NULL OR files.target NOT IN
    (SELECT target FROM files GROUP BY target HAVING count(*) > 1)
ORDER BY files.rowid
"""
_RIVALS = f"""
SELECT files.target, files.input, {_MADE} FROM files LEFT JOIN done USING (input)
WHERE files.target IN (SELECT target FROM files GROUP BY target HAVING count(*) > 1)
ORDER BY files.target, files.input
"""


class State(NamedTuple):
    """A file, and what is known of what was made of it."""

    input: str
    target: str | None
    """Where it belongs in the tree that is made; None where nothing is made."""
    num_bytes: int | None
    modified_ns: int | None
    made: bool
    """By a run before."""
    current: bool
    """Made of the file as it is now, by the options that are asked for."""
    there: bool
    """And where it was put, whole."""
    output: str | None
    """Where that is."""
    shard: str | None
    """The file that it is a part of."""
    offset: int | None
    """Where it begins there."""


class Plan:
    """All files of a run, in a database on disk that is gone at the end."""

    def __init__(self, suffix: str | None) -> None:
        self.suffix = suffix
        """Of what is made; None where nothing is."""
        self._data = sqlite3.connect("")
        self._data.executescript(_TABLES)

    def add_files(self, sources: Iterable[Source]) -> None:
        """What there is to be done; a file that is named twice is one."""
        rows = ((s.name, self._target(s), *s[2:]) for s in sources)
        self._data.executemany("INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _target(self, source: Source) -> str | None:
        if self.suffix is None:
            return None
        path = PurePosixPath(source.relative)
        return str(path.with_name(path.stem + self.suffix))

    def add_ledger(self, ledger: Ledger) -> None:
        """What runs before have done."""
        rows = (tuple(row[name] for name in _DONE) for row in ledger.rows(_DONE))
        marks = ", ".join("?" * len(_DONE))
        self._data.executemany(f"INSERT OR REPLACE INTO done VALUES ({marks})", rows)

    def add_outputs(self, entries: Iterable[Entry]) -> None:
        """What is where results are put."""
        rows = ((entry.name, entry.num_bytes) for entry in entries)
        self._data.executemany("INSERT OR REPLACE INTO there VALUES (?, ?)", rows)

    @property
    def num_files(self) -> int:
        """All that there are."""
        return self._data.execute("SELECT count(*) FROM files").fetchone()[0]

    def states(self, wanted: Mapping[str, Any]) -> Iterator[State]:
        """Each file, but for rivals; `wanted` must be so in the ledger, where it tells of that."""
        values = {name: wanted.get(name) for name in _AS_WANTED}
        for row in self._data.execute(_STATE, values):
            name, target, num_bytes, modified_ns, made, current, there, *places = row
            flags = bool(made), bool(current), bool(there)
            yield State(name, target, num_bytes, modified_ns, *flags, *places)

    def rivals(self) -> Iterator[tuple[str, str, list[str], bool]]:
        """Each file whose target others have, too: its name, the target, the others, if it is made.

        All of them are held: they are few, or something is wrong.
        """
        found = defaultdict[str, list[tuple[str, bool]]](list)
        for target, name, made in self._data.execute(_RIVALS):
            found[target].append((name, bool(made)))
        for target, files in found.items():
            for name, made in files:
                yield name, target, [other for other, _ in files if other != name], made

    def outputs(self) -> Iterator[tuple[str, int]]:
        """What the ledger says was made, shards above all, and of how many files."""
        query = "SELECT output, count(*) FROM done WHERE error IS NULL GROUP BY output"
        yield from self._data.execute(query)

    def close(self) -> None:
        """The tables are gone."""
        self._data.close()
