"""One file made from another, in whichever process: from its source's bytes to those to write."""

import hashlib
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from ..errors import describe, explain
from ..work import Load, Outcome, Work, facts, told_warnings
from .files import Job, read
from .messages import progress_bar


class Task(NamedTuple):
    """A file to be made, and what was found before."""

    job: Job
    overwrite: bool
    modified_ns: int | None = None
    """When the source was modified; None of a stream."""
    known: str | None = None
    """SHA-256 of the source that the target was made of: with the same, nothing is to be done."""


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
        made = work(file, progress)
    row.update(
        {
            **facts(made.encoded),
            "seconds": round(time.perf_counter() - start, 3),
            "output_bytes": len(made.result),
            **source,
        }
    )
    return made.result
