"""One file made from another, in whichever process: from its source's bytes to those to write."""

import hashlib
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from ..container import parse_header
from .files import Job, read
from .messages import Progress, describe, explain, progress_bar, told_warnings

Work = Callable[[BytesIO, Progress | None], tuple[bytes, bytes]]
"""From a source, which it may close: the bytes to write, and the .m2t file among the two for the
summary."""
Load = Callable[[int | None], Work]
"""What loads all that the work needs, for so many threads; can be pickled for several jobs."""


class Task(NamedTuple):
    """A file to be made, and what was found before."""

    job: Job
    overwrite: bool
    modified_ns: int | None = None
    """When the source was modified; None of a stream."""
    known: str | None = None
    """SHA-256 of the source that the target was made of: with the same, nothing is to be done."""


@dataclass(frozen=True)
class Outcome:
    """What came of a task."""

    row: dict[str, Any]
    """What there is to tell: docs/json.md."""
    result: bytes | None = None
    """The bytes to write; None where it failed, or need not be made."""
    error: str | None = None
    warnings: tuple[str, ...] = ()


def maker(load: Load, num_threads: int | None, alone: bool) -> Callable[[Task], Outcome]:
    """What makes a file of a task. `alone`: there is a bar for each, and bugs are raised."""
    return partial(_make, load(num_threads), alone)


def _make(work: Work, alone: bool, task: Task) -> Outcome:
    row: dict[str, Any] = {"input": str(task.job.source), "output": str(task.job.target)}
    warnings: list[str] = []
    result = error = None
    with told_warnings(warnings.append):
        try:
            result = _result(work, alone, task, row)
        except Exception as exception:
            if alone and describe(exception) is None:
                raise
            error = explain(exception)
    return Outcome(row, result, error, tuple(warnings))


def _result(work: Work, alone: bool, task: Task, row: dict[str, Any]) -> bytes | None:
    """The bytes to write, and `row` filled."""
    start = time.perf_counter()
    with progress_bar(task.job.source) if alone else nullcontext() as progress:
        data = read(task.job.source)
        sha256 = hashlib.sha256(data).hexdigest()
        source = {"input_bytes": len(data), "modified_ns": task.modified_ns, "sha256": sha256}
        if sha256 == task.known:
            row.update(source)
            return None
        file = BytesIO(data)
        del data  # closed, the file holds nothing
        result, encoded = work(file, progress)
    header = parse_header(encoded)
    row.update(
        {
            "width": header.width,
            "height": header.height,
            "bytes": len(encoded),
            "bpp": 8 * len(encoded) / (header.width * header.height),
            **header.aim._asdict(),
            "lossless": header.lossless,
            "model": header.model,
            "seconds": round(time.perf_counter() - start, 3),
            "output_bytes": len(result),
            **source,
        }
    )
    return result
