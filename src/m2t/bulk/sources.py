"""Which files are to be done: those of a folder or a bucket, of a pattern, or of a manifest."""

import csv
import io
import posixpath
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet

from ..container.header import SUFFIX
from ..errors import ConfigError, M2TError
from ..folders import Told, levels
from .ledger import parts, read_rows
from .shards import number, relative
from .stores import Entry, Store, reason

MANIFESTS = (".parquet", ".csv")
COLUMNS = ("path", "input", "url")
"""Of a manifest: the first of these that it has names the files."""
MAGIC = "*?["


class Source(NamedTuple):
    """A file to be done."""

    name: str
    relative: str
    """Its path in the tree that is mirrored."""
    num_bytes: int | None
    modified_ns: int | None
    shard: str | None = None
    """The file that it is a part of."""
    offset: int | None = None
    """Where it begins there."""


def sources(
    url: str, suffixes: Collection[str], told: Told, apart: Store | None = None
) -> Iterator[Source]:
    """The files with one of the suffixes. What else there is, is told.

    `apart` is a place that is left out. Shards with their ledger are as the tree that they stand
    for. Raises ConfigError where there is no such source.
    """
    store = Store(url)
    if SUFFIX in suffixes and store.is_folder():
        yield from _in_shards(store)
    if store.path.endswith(MANIFESTS) and store.entry():
        yield from _listed(store, told)
    elif store.local and Path(store.path).exists():
        yield from _local(Path(store.path), suffixes, told, apart)
    elif store.is_folder():
        yield from _remote(store, suffixes, told, apart)
    elif matching := _matching(store):
        for entry in matching:
            if _wanted(entry, suffixes, told):
                yield _source(entry, store.name_of(_top(store.path)))
    elif entry := store.entry():
        yield _source(entry, posixpath.dirname(entry.name))
    else:
        raise ConfigError(f"{url}: no such folder, pattern or manifest")


def _matching(store: Store) -> list[Entry]:
    return list(store.matching()) if set(MAGIC) & set(store.path) else []


def _top(pattern: str) -> str:
    """The folder that a pattern looks into: what is above its first sign that is none of a name."""
    first = min(pattern.index(sign) for sign in MAGIC if sign in pattern)
    return posixpath.dirname(pattern[:first])


def _local(
    path: Path, suffixes: Collection[str], told: Told, apart: Store | None
) -> Iterator[Source]:
    other = Path(apart.path) if apart and apart.local else None
    for level in levels([path], suffixes, told, other):
        for file in level.files:
            try:
                stat = file.stat()
            except OSError as error:
                told.failed(file, reason(error))
                continue
            relative = (level.relative / file.name).as_posix()
            yield Source(str(file), relative, stat.st_size, stat.st_mtime_ns)


def _remote(
    store: Store, suffixes: Collection[str], told: Told, apart: Store | None
) -> Iterator[Source]:
    for entry in store.walk():
        if apart and entry.name.startswith(f"{apart.name}/"):
            continue
        if _wanted(entry, suffixes, told):
            yield _source(entry, store.name)


def _wanted(entry: Entry, suffixes: Collection[str], told: Told) -> bool:
    path = PurePosixPath(entry.name)
    wanted = path.suffix.lower() in suffixes and not path.name.startswith(".")
    if not wanted:
        told.left_out()
    return wanted


def _source(entry: Entry, top: str) -> Source:
    relative = entry.name.removeprefix(top).lstrip("/")
    return Source(entry.name, relative, entry.num_bytes, entry.modified_ns)


def _listed(manifest: Store, told: Told) -> Iterator[Source]:
    """What a manifest names; paths are below its folder where they do not begin with / or x://."""
    top = posixpath.dirname(manifest.name)
    for path in _paths(manifest):
        absolute = "://" in path or path.startswith("/")
        name = path if absolute else f"{top}/{path}"
        below = name.removeprefix(f"{top}/") if name.startswith(f"{top}/") else name
        relative = below.partition("://")[2].lstrip("/") if "://" in below else below.lstrip("/")
        if ".." in PurePosixPath(relative).parts:
            told.failed(path, "a path with .. has no place in a tree")
            continue
        try:
            entry = Store(name).entry()
        except (M2TError, OSError) as error:
            told.failed(path, reason(error))
            continue
        # What is not there is let through: reading it tells why.
        size, modified = (entry.num_bytes, entry.modified_ns) if entry else (None, None)
        yield Source(entry.name if entry else name, relative, size, modified)


def _paths(manifest: Store) -> Iterator[str]:
    """Of a CSV or Parquet file, some rows at a time."""
    with manifest.open() as file:
        if manifest.path.endswith(".csv"):
            try:
                table = csv.DictReader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
                column = _column(manifest, table.fieldnames or ())
                yield from (row[column] for row in table if row[column])
            except (UnicodeDecodeError, csv.Error) as error:
                raise ConfigError(f"{manifest.name} is no CSV file in UTF-8: {error}") from error
            return
        try:
            rows = parquet.ParquetFile(file)
        except pa.ArrowException as error:
            raise ConfigError(f"{manifest.name} is no Parquet file") from error
        column = _column(manifest, rows.schema_arrow.names)
        for batch in rows.iter_batches(columns=[column]):
            yield from (str(path) for path in batch.column(0).to_pylist() if path)


def _column(manifest: Store, names: Collection[str]) -> str:
    found = next((name for name in COLUMNS if name in names), None)
    if found is None:
        raise ConfigError(f"{manifest.name} has no column {', '.join(COLUMNS[:-1])} or url")
    return found


def _in_shards(store: Store) -> Iterator[Source]:
    """What is in the shards of a folder, as their ledger tells."""
    there = {entry.name: entry for entry in store.entries() if number(entry.name) is not None}
    columns = ("output", "member", "offset", "output_bytes", "error")
    for row in read_rows(parts(store / "ledger") if there else [], columns):
        shard = there.get(row["output"] or "")
        member = row["member"]
        if shard is not None and member and row["error"] is None:
            name, place = f"{shard.name}/{member}", (row["output_bytes"], shard.modified_ns)
            yield Source(name, relative(member), *place, shard.name, row["offset"])
