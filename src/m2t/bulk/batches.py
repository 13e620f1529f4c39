"""A batch of files, from reading to writing, by one worker of the cluster.

The work itself is done by a process of its own: what kills it, a hostile picture or a lack of
memory, costs one file, and not the worker. While it works, the worker writes the file before, and
reads the next.
"""

import hashlib
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from ..errors import M2TError, OutputError, explain
from ..work import Load, Outcome, Work, facts, num_layers, told_warnings
from ..workers import Died, Worker
from .shards import Shard
from .stores import Store


class Item(NamedTuple):
    """A file to be done."""

    input: str
    output: str | None
    """Where the result goes; in a shard, its name there; None where nothing is written."""
    modified_ns: int | None = None
    replace: bool = True
    """Whatever is there may be replaced."""
    within: tuple[str, int, int] | None = None
    """The file that it is a part of: its name, where it begins, and its bytes."""


class Batch(NamedTuple):
    """What a worker gets at once, and answers for at once."""

    items: Sequence[Item]
    shard: str | None = None
    """The file that the results go to together; None: each is a file."""


class Result(NamedTuple):
    """What came of an item: its row in the ledger, which tells of failures as well."""

    row: dict[str, Any]
    warnings: tuple[str, ...] = ()


class Maker:
    """Does batches; holds the process that has the codec."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.worker = self._begun()

    def _begun(self) -> "Worker[bytes, Outcome]":
        with _no_main():
            return Worker(partial(prepare, self.load))

    def __call__(self, batch: Batch) -> list[Result]:
        """What came of each item. Where a shard cannot be written, nothing of it is done."""
        if batch.shard is None:
            return [self._written(item, outcome) for item, outcome in self._made(batch.items)]
        results = []
        with Shard() as shard:
            for item, outcome in self._made(batch.items):
                place = None
                if outcome.result is not None:
                    assert item.output is not None
                    told = {key: value for key, value in outcome.row.items() if key != "seconds"}
                    place = shard.add(item.output, outcome.result, told)
                results.append(_result(item, batch.shard, outcome, place))
            try:
                if shard.num_files:
                    Store(batch.shard).write(shard.data())
            except M2TError as error:
                return [Result(_failure(item, batch.shard, explain(error))) for item in batch.items]
        return results

    def make(self, data: bytes) -> Outcome:
        """What comes of a file's bytes."""
        return self._answer(self._give(data))

    def _give(self, data: bytes) -> dict[str, Any]:
        """Have the process work on a file; gives what is known of it."""
        self.worker.give(data)
        return {"sha256": hashlib.sha256(data).hexdigest(), "input_bytes": len(data)}

    def _made(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """Each item with what came of it; while the caller writes that, the next is in the making.

        At most two files are held, and the results of two.
        """
        before = None
        for item in items:
            read = _read(item)
            made = before and (before[0], self._answer(before[1]))
            before = item, self._give(read) if isinstance(read, bytes) else read
            if made:
                yield made
        if before:
            yield before[0], self._answer(before[1])

    def _answer(self, source: dict[str, Any] | Outcome) -> Outcome:
        """What came of the file that the process has, of which this much is known."""
        if isinstance(source, Outcome):
            return source
        answer = self.worker.answer()
        if isinstance(answer, Died):
            self.worker = self._begun()
            return Outcome(source, error=f"{answer}; it may take more memory than there is")
        answer.row.update(source)
        return answer

    @staticmethod
    def _written(item: Item, outcome: Outcome) -> Result:
        if outcome.error is None and item.output is not None:
            try:
                if item.output == item.input:
                    raise OutputError("input and output are the same file")
                assert outcome.result is not None
                Store(item.output).write(outcome.result, item.replace)
            except M2TError as error:
                return Result(_failure(item, item.output, explain(error)), outcome.warnings)
        return _result(item, item.output, outcome, None)


def _read(item: Item) -> bytes | Outcome:
    try:
        if item.within is None:
            return Store(item.input).read()
        name, start, num_bytes = item.within
        return Store(name).read(start, start + num_bytes)
    except M2TError as error:
        return Outcome({}, error=explain(error))


def _failure(item: Item, output: str | None, error: str) -> dict[str, Any]:
    return {"input": item.input, "output": output, "error": error, "modified_ns": item.modified_ns}


def _result(
    item: Item, output: str | None, outcome: Outcome, place: tuple[str, int] | None
) -> Result:
    row = {**outcome.row, "input": item.input, "output": output, "modified_ns": item.modified_ns}
    row |= {"error": outcome.error}
    if place is not None:
        row["member"], row["offset"] = place
    if outcome.result is not None and output is not None:
        row["output_bytes"] = len(outcome.result)
    return Result(row, outcome.warnings)


def prepare(load: Load) -> Callable[[bytes], Outcome]:
    """What makes something of a file's bytes, on one thread; raises what the loading does."""
    return partial(_outcome, load(1))


def _outcome(work: Work, data: bytes) -> Outcome:
    warnings: list[str] = []
    start = time.perf_counter()
    with told_warnings(warnings.append):
        try:
            made = work(BytesIO(data), None)
            row = {**facts(made.encoded), "layers": num_layers(made.encoded)}
            row["latents_sha256"] = made.latents_sha256
        except Exception as error:
            return Outcome({}, error=explain(error), warnings=tuple(warnings))
    row["seconds"] = round(time.perf_counter() - start, 3)
    return Outcome(row, made.result, None, tuple(warnings))


@contextmanager
def _no_main() -> Iterator[None]:
    """Have a process that is started here not import this one's main module, all of Ray."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
