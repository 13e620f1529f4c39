"""Many files: what compress and decompress have in common."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..atomic import remove_leftovers
from ..errors import M2TError, explain
from ..folders import Level, levels
from ..work import Load, Outcome, Wanted
from ..workers import Died, perform
from .files import STDIO, FilePath, Job, make_folder, pair, plan, write
from .ledger import is_as_wanted, is_done, opened
from .making import Task, maker
from .options import jobs_option, recursive_option, threads_each, threads_option
from .report import Account, Lines, Tally

_LINE = "{input}: {width}x{height}, {bytes:,} bytes, {bpp:.3f} bpp, {kind}{seconds:.1f} s"


@dataclass(frozen=True)
class Options:
    """What `batch_options` ask for."""

    out_dir: Path | None
    force: bool
    as_json: bool
    threads: int | None
    recursive: bool
    jobs: int
    ledger: Path | None
    checksum: bool
    preserve: bool

    def __post_init__(self) -> None:
        if self.recursive and self.out_dir is None:
            raise click.UsageError("--recursive needs --out-dir.")
        if self.checksum and self.ledger is None:
            raise click.UsageError("--checksum needs --ledger, which has the checksums.")

    @property
    def resumes(self) -> bool:
        """Whether what is done already is left as it is, and not an error."""
        return (self.recursive or self.ledger is not None) and not self.force


def batch_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the arguments that `run` takes to a click command."""
    decorators = [
        click.argument(
            "paths",
            metavar="IN... [OUT]",
            nargs=-1,
            required=True,
            type=FilePath(),
        ),
        click.option(
            "--out-dir",
            type=click.Path(file_okay=False, path_type=Path),
            help="Write here; all paths are inputs then.",
        ),
        recursive_option,
        jobs_option,
        click.option("-f", "--force", is_flag=True, help="Overwrite existing files."),
        click.option(
            "--ledger",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Add a JSON object per file to this file, and skip what it says is done.",
        ),
        click.option(
            "--checksum", is_flag=True, help="Skip by content, not by size and time, with --ledger."
        ),
        click.option(
            "--preserve/--no-preserve",
            default=True,
            help="Whether a file gets its source's time of modification.  [default: it does]",
        ),
        click.option(
            "--json", "as_json", is_flag=True, help="One JSON object per file on standard output."
        ),
        threads_option,
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def run(
    load: Load,
    suffix: str,
    paths: tuple[Path, ...],
    options: Options,
    *,
    among: Iterable[str],
    wanted: Wanted,
    check: bool = False,
) -> int:
    """Process the files and return the exit code; a file that fails does not stop the others.

    Args:
        load: called only once something is known to be done.
        suffix: of the targets.
        among: suffixes of the files that are taken from folders.
        wanted: how files are made, and what is done already must have been.
        check: read what was written.
    """
    if options.recursive and STDIO in paths:
        raise click.UsageError("Standard input is no folder.")
    planned = [] if options.recursive else plan(paths, options.out_dir, suffix)
    streams = any(STDIO in (job.source, job.target) for job in planned)
    if options.as_json and any(job.target == STDIO for job in planned):
        raise click.UsageError("--json and the output cannot both go to standard output.")
    jobs = 1 if streams else options.jobs
    make = partial(
        maker,
        load,
        threads_each(options.threads, jobs),
        alone=jobs == 1 and not options.recursive,
    )
    report = Tally("made") if options.recursive else Lines(_line, options.as_json)
    with closing(report), opened(options.ledger) as ledger:
        batch = Batch(options, Account(report, options.as_json, ledger), wanted, check)
        if options.recursive:
            assert options.out_dir is not None
            find = partial(levels, paths, among, apart=options.out_dir)
            report.expected(len(level.files) for level in find(told=None))
            tasks = batch.tasks(_paired(find(told=batch.account), options.out_dir, suffix))
        else:
            tasks = iter(list(batch.tasks(planned)))  # what can be found wrong is so at once
        with closing(perform(batch.begun(tasks), make, jobs)) as outcomes:
            for task, outcome in outcomes:
                batch.settle(task, outcome)
    return 1 if batch.account.num_failed else 0


def _line(row: dict[str, Any]) -> str:
    """What people are told of a file that was made."""
    return _LINE.format(**row, kind="lossless, " if row["lossless"] else "")


def _paired(found: Iterable[Level], out_dir: Path, suffix: str) -> Iterator[Job]:
    for level in found:
        yield from pair(level.files, out_dir / level.relative, suffix)


class Batch:
    """A run over many files: what is to be done, and what comes of it."""

    def __init__(self, options: Options, account: Account, wanted: Wanted, check: bool) -> None:
        self.options, self.account, self.wanted, self.check = options, account, wanted, check
        self.ledger = account.ledger

    def tasks(self, jobs: Iterable[Job]) -> Iterator[Task]:
        """What is left to be done. Of each folder of targets, what killed runs left is removed."""
        folder = None
        for job in jobs:
            if job.target != STDIO and job.target.parent != folder:
                folder = job.target.parent
                remove_leftovers(folder)
            try:
                task = self._task(job)
            except (OSError, M2TError) as error:
                self.account.failed(job.source, explain(error), job.target)
            else:
                if task is not None:
                    yield task

    def _task(self, job: Job) -> Task | None:
        row = None if self.ledger is None else self.ledger.row(job.target)
        known = None
        if self.options.resumes and not job.rivals and job.target.exists():
            if not self.options.checksum:
                if is_done(job, row, self.wanted):
                    self.account.done_already(job.source)
                    return None
            elif row is not None and is_as_wanted(job, row, self.wanted):
                known = row["sha256"]
        # An .m2t file whose source has changed is made again; a picture may be somebody's own.
        ours = self.options.resumes and (job.to_m2t or row is not None)
        overwrite = self.options.force or ours
        job.check(overwrite)
        modified_ns = None if job.source == STDIO else job.source.stat().st_mtime_ns
        return Task(job, overwrite, modified_ns, known)

    def begun(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """The tasks; before the first, the folder is made."""
        for i, task in enumerate(tasks):
            if i == 0 and self.options.out_dir is not None:
                make_folder(self.options.out_dir)
            yield task

    def settle(self, task: Task, outcome: Outcome | Died) -> None:
        """Write what was made, and tell of it."""
        job = task.job
        if isinstance(outcome, Died):
            self.account.failed(job.source, str(outcome), job.target)
            return
        for text in outcome.warnings:
            self.account.warned(job.source, text)
        if outcome.error is not None:
            self.account.failed(job.source, outcome.error, job.target)
        elif outcome.result is None:
            self.account.done_already(job.source)
            if self.ledger is not None:  # the source has another time now
                self.account.noted({**(self.ledger.row(job.target) or {}), **outcome.row})
        else:
            self._write(task, outcome.row, outcome.result)

    def _write(self, task: Task, row: dict[str, Any], result: bytes) -> None:
        job = task.job
        row["options"] = self.wanted.options
        modified_ns = task.modified_ns if self.options.preserve else None
        try:
            if self.options.recursive:
                make_folder(job.target.parent)
            write(job.target, result, task.overwrite, modified_ns, self.check)
        except (OSError, M2TError) as error:
            self.account.failed(job.source, explain(error), job.target)
            return
        self.account.made(row)
