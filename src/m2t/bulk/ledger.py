"""What was done, as Parquet in parts: the last row of an input counts. docs/cluster.md has them."""

import io
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ..errors import OutputError
from .stores import Store

SCHEMA = pa.schema(
    [
        *[(name, pa.string()) for name in ("input", "output", "error")],
        *[(name, pa.int64()) for name in ("input_bytes", "output_bytes", "modified_ns", "offset")],
        *[(name, pa.int32()) for name in ("width", "height", "quality", "layers")],
        ("lossless", pa.bool_()),
        ("bytes", pa.int64()),
        *[(name, pa.float64()) for name in ("bpp", "seconds")],
        *[(name, pa.string()) for name in ("tune", "model", "options", "sha256", "latents_sha256")],
        ("member", pa.string()),
    ]
)
MOST_ROWS = 10_000
"""Of a part."""
MOST_SECONDS = 10.0
"""That a row waits to be written: what a driver that is killed has to do again. 1 s at first."""


class Ledger:
    """A folder of Parquet files, to which parts are added; none is ever changed."""

    def __init__(self, folder: Store) -> None:
        """Begin a part. Raises OutputError where the folder cannot be written."""
        folder.remove_leftovers()
        self.folder, self._rows = folder, list[Mapping[str, Any]]()
        self._parts = parts(folder)
        self._number, self._begun, self._since = 0, time.monotonic(), time.monotonic()
        if self._parts:
            last = self._parts[-1].rpartition("part-")[2][:6]
            self._number = int(last) + 1 if last.isdecimal() else len(self._parts)
        else:
            self._write()  # an empty part says that what is here is ours, should we be killed

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Of earlier runs, from first to last; raises OutputError where a part is none."""
        return read_rows(self._parts, columns)

    @property
    def is_new(self) -> bool:
        """No run has used the folder before."""
        return not self._parts

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep rows, which get into one part together, and write that once there are enough."""
        self._rows += rows
        now = time.monotonic()
        patience = min(MOST_SECONDS, 1 + (now - self._begun) / 60)
        if len(self._rows) >= MOST_ROWS or now - self._since > patience:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        if self._rows:
            self._write()
        self._since = time.monotonic()

    def _write(self) -> None:
        rows = [{name: row.get(name) for name in SCHEMA.names} for row in self._rows]
        buffer = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows, SCHEMA), buffer)
        part = f"part-{self._number:06}-{secrets.token_hex(4)}.parquet"
        (self.folder / part).write(buffer.getvalue())
        self._rows.clear()
        self._number += 1


def parts(folder: Store) -> list[str]:
    """The names of a ledger's parts, from first to last."""
    return sorted(entry.name for entry in folder.walk() if entry.name.endswith(".parquet"))


def read_rows(names: Sequence[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What some parts tell; raises OutputError where one is none."""
    for name in names:
        try:
            file = parquet.ParquetFile(io.BytesIO(Store(name).read()))
            for batch in file.iter_batches(columns=list(columns)):
                yield from batch.to_pylist()
        except (pa.ArrowException, ValueError, OSError) as error:
            raise OutputError(f"{name} is no part of a ledger, and stays as it is") from error
