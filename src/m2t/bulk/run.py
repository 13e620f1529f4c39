"""A run over an archive: what is left goes to the workers; what comes back is written down.

Killed at any moment, it leaves whole files and a ledger that is at most some seconds old. The next
run does what the ledger does not tell of again, to the same bytes under the same names.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice
from typing import Any, Protocol

from ..errors import OutputError
from ..folders import Told as ToldOfFolders
from ..work import Load, Wanted
from ..workers import Died
from . import shards
from .batches import Batch, Item, Maker, Result
from .cluster import engine, perform
from .ledger import Ledger
from .plan import Plan, State
from .sources import sources
from .stores import Store


@dataclass(frozen=True)
class Options:
    """What is done with an archive, and where results go."""

    source: str
    """A folder, a pattern, a manifest or a file; each a path, or a URL that fsspec knows."""
    target: str | None
    """A folder or a URL; None where nothing is written but the ledger."""
    suffix: str | None
    """Of results; None where there are none."""
    among: Collection[str]
    """Suffixes of the files that are taken."""
    ledger: str | None = None
    """A folder or a URL; None: `ledger` in the target, if there is one."""
    wanted: Wanted | None = None
    """How results are made, and what is done already must have been; None: in any way."""
    overwrite: bool = False
    """Results may replace whatever is there; if not, only what the ledger says that we made."""
    force: bool = False
    """Do again what is done."""
    num_workers: int | None = None
    """None: one for each CPU."""
    batch_size: int = 16
    """Files of a task."""
    shard_size: int | None = None
    """Files of a tar file; None: each result is a file."""

    @property
    def told(self) -> str | None:
        """What of `wanted` the ledger tells of each result: in JSON, the same for the same."""
        return self.wanted and json.dumps(self.wanted.options, sort_keys=True)


class Told(ToldOfFolders, Protocol):
    """Who is told of each file."""

    def expected(self, counts: Iterable[int]) -> None:
        """So many files there are."""
        ...

    def made(self, row: dict[str, Any]) -> None:
        """A file was made, or found sound."""
        ...

    def done_already(self, name: object) -> None:
        """A file need not be made."""
        ...

    def warned(self, name: object, text: str) -> None:
        """Something of a picture is not kept."""
        ...


def run(load: Load, options: Options, told: Told) -> None:
    """Do what is left to be done of an archive; a file that fails does not stop the others.

    Raises ConfigError where there is no such source or cluster, OutputError where the ledger cannot
    be written, and what `load` does.
    """
    target = None if options.target is None else Store(options.target)
    place = Store(options.ledger) if options.ledger else target and target / "ledger"
    with closing(Plan(options.suffix)) as plan:
        plan.add_files(sources(options.source, options.among, told, target))
        ledger = None if place is None else Ledger(place)
        if ledger is not None:
            plan.add_ledger(ledger)
        books = _Books(told, ledger, options.told)
        try:
            _Run(options, plan, target, books).run(load)
        finally:
            books.close()


class _Books:
    """Writes down what came of files, and tells of it."""

    def __init__(self, told: Told, ledger: Ledger | None, options: str | None) -> None:
        self.told, self.ledger, self.options = told, ledger, options
        self.in_shards = dict[str, int]()
        """Files of each shard of this run."""

    def add(self, results: Sequence[Result]) -> None:
        """What came of a batch, written down as a whole: no shard is known by a part of it."""
        rows = [{k: v for k, v in result.row.items() if v is not None} for result in results]
        if self.options is not None:
            rows = [row if "error" in row else row | {"options": self.options} for row in rows]
        if self.ledger is not None:
            self.ledger.add(rows)
        for row, result in zip(rows, results, strict=True):
            for text in result.warnings:
                self.told.warned(row["input"], text)
            if "error" in row:
                self.told.failed(row["input"], row["error"])
                continue
            if "offset" in row:
                self.in_shards[row["output"]] = self.in_shards.get(row["output"], 0) + 1
            self.told.made(row)

    def failed(self, names: Iterable[str], output: str | None, reason: str) -> None:
        """Nothing came of these files, for one reason."""
        rows = ({"input": name, "output": output, "error": reason} for name in names)
        self.add([Result(row) for row in rows])

    def close(self) -> None:
        if self.ledger is not None:
            self.ledger.flush()


class _Run:
    def __init__(self, options: Options, plan: Plan, target: Store | None, books: _Books) -> None:
        self.options, self.plan, self.target, self.books = options, plan, target, books
        self.shards = dict[str, int]()
        """Those of earlier runs, and how many files each has."""

    def run(self, load: Load) -> None:
        if self.target is not None:
            self.target.remove_leftovers()
        if self.options.shard_size is not None:
            self._find_shards()
        elif self.target is not None:
            self.plan.add_outputs(self.target.walk())
        self.books.told.expected([self.plan.num_files])
        for name, relative, others, made in self.plan.rivals():
            text = f"would become {relative}, as would {', '.join(others)}"
            if made:  # the ledger goes on telling of what is there
                self.books.told.failed(name, text)
            else:
                self.books.failed([name], None, text)
        batches = self._batches()
        first = next(batches, None)
        if first is not None:  # an engine takes seconds to start
            self._perform(chain([first], batches), load)
        if self.options.shard_size is not None:
            self._write_index()

    def _perform(self, batches: Iterable[Batch], load: Load) -> None:
        with engine() as num_cpus:
            workers = self.options.num_workers or num_cpus
            with closing(perform(batches, partial(Maker, load), workers)) as answers:
                for batch, answer in answers:
                    if isinstance(answer, Died):
                        names = [item.input for item in batch.items]
                        self.books.failed(names, batch.shard, str(answer))
                    else:
                        self.books.add(answer)

    def _batches(self) -> Iterator[Batch]:
        items = self._items()
        size = self.options.shard_size
        taken = {shards.number(name) for name in self.shards}
        numbers = (i for i in count() if i not in taken)
        while some := list(islice(items, size or self.options.batch_size)):
            name = None
            if size is not None:
                assert self.target is not None
                name = (self.target / shards.NAME.format(next(numbers))).name
            yield Batch(some, name)

    def _items(self) -> Iterator[Item]:
        options = self.options
        wanted = {**options.wanted.facts, "options": options.told} if options.wanted else {}
        for state in self.plan.states(wanted):
            there = state.there or self.target is None
            if state.current and there and not options.force:
                self.books.told.done_already(state.input)
            elif options.shard_size is not None and state.made and there:
                text = f"changed, or is wanted otherwise, since it was put into {state.output}"
                self.books.told.failed(state.input, text)  # the ledger goes on telling of the shard
            else:
                within = state.shard and (state.shard, state.offset or 0, state.num_bytes or 0)
                output = self._output(state)
                ours = state.made and state.output == output
                overwrite = options.overwrite or options.force or ours
                yield Item(state.input, output, state.modified_ns, overwrite, within or None)

    def _output(self, state: State) -> str | None:
        if self.target is None or state.target is None or self.options.shard_size is not None:
            return state.target
        return (self.target / state.target).name

    def _find_shards(self) -> None:
        """Those of earlier runs; what a run that was killed did not write down is made again."""
        assert self.target is not None
        assert self.books.ledger is not None
        known = dict(self.plan.outputs())
        found = [entry for entry in self.target.entries() if shards.number(entry.name) is not None]
        foreign = [entry for entry in found if entry.name not in known]
        if foreign and self.books.ledger.is_new:
            raise OutputError(f"{foreign[0].name} is there, and no ledger tells of it")
        for entry in foreign:
            Store(entry.name).remove()
        self.shards = {entry.name: known[entry.name] for entry in found if entry.name in known}
        self.plan.add_outputs(entry for entry in found if entry.name in known)

    def _write_index(self) -> None:
        assert self.target is not None
        counts = self.shards | self.books.in_shards
        found = [entry for entry in self.target.entries() if entry.name in counts]
        listed = ((e.name.rpartition("/")[2], counts[e.name], e.num_bytes or 0) for e in found)
        (self.target / shards.INDEX).write(shards.index(listed))
