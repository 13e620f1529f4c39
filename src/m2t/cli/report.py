"""What many files come to, told to who waits: a line for each, or one bar and what failed."""

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from ..errors import OutputError
from .ledger import Ledger
from .messages import complain

if TYPE_CHECKING:
    from tqdm import tqdm


class Report(Protocol):
    """Who is told of each file."""

    def expected(self, counts: Iterable[int]) -> None:
        """So many files there are, folder by folder, at most."""
        ...

    def made(self, row: dict[str, Any]) -> None:
        """A file was made, or found sound."""
        ...

    def done_already(self, name: object) -> None:
        """A file need not be made."""
        ...

    def left_out(self) -> None:
        """Something is none of the files that are looked for."""
        ...

    def failed(self, name: object, reason: str) -> None:
        """A file was not made."""
        ...

    def warned(self, name: object, text: str) -> None:
        """Something of a picture is not kept."""
        ...

    def close(self) -> None:
        """Tell what is left to be told."""
        ...


class Account:
    """Tells people of each file by a report, and programs by rows: docs/json.md."""

    def __init__(self, report: Report, as_json: bool, ledger: Ledger | None = None) -> None:
        self.report, self.as_json, self.ledger = report, as_json, ledger
        self.num_failed = 0

    def made(self, row: dict[str, Any]) -> None:
        """A file was made, or found sound."""
        self.report.made(row)
        self._record(row)

    def failed(self, name: object, reason: str, target: Path | None = None) -> None:
        """A file was not made, or found damaged; or a folder could not be read."""
        self.num_failed += 1
        self.report.failed(name, reason)
        output = {} if target is None else {"output": str(target)}
        self._record({"input": str(name), **output, "error": reason})

    def left_out(self) -> None:
        """See Report."""
        self.report.left_out()

    def expected(self, counts: Iterable[int]) -> None:
        """See Report."""
        self.report.expected(counts)

    def done_already(self, name: object) -> None:
        """See Report."""
        self.report.done_already(name)

    def warned(self, name: object, text: str) -> None:
        """See Report."""
        self.report.warned(name, text)

    def noted(self, row: dict[str, Any]) -> None:
        """Only the ledger is told. Where that fails, it has no further rows: the work goes on."""
        if self.ledger is None:
            return
        try:
            self.ledger.add(row)
        except OutputError as error:
            ledger, self.ledger = self.ledger, None
            self.failed(ledger.path, str(error))

    def _record(self, row: dict[str, Any]) -> None:
        if self.as_json:
            click.echo(json.dumps(row))
        self.noted(row)


class Lines:
    """Tells of each file by itself, at once."""

    def __init__(self, line: Callable[[dict[str, Any]], str], quiet: bool) -> None:
        self.line, self.quiet = line, quiet
        """For a file that was made; whether there is none."""

    def expected(self, counts: Iterable[int]) -> None:
        """See Report."""

    def made(self, row: dict[str, Any]) -> None:
        """See Report."""
        if not self.quiet:
            click.echo(self.line(row), err=True)

    def done_already(self, name: object) -> None:
        """See Report."""
        if not self.quiet:
            click.echo(f"{name}: done already", err=True)

    def left_out(self) -> None:
        """See Report."""

    def failed(self, name: object, reason: str) -> None:
        """See Report."""
        complain(reason, name)

    def warned(self, name: object, text: str) -> None:
        """See Report."""
        complain(text, name, "warning")

    def close(self) -> None:
        """See Report."""


class Tally:
    """Counts; shows a bar on a terminal; tells of failures and sums at the end."""

    def __init__(self, verb: str) -> None:
        self.verb = verb
        """What was done to files, for people: made, sound."""
        self.num_made = self.num_done = self.num_left_out = 0
        self.bytes_before = self.bytes_after = 0
        self.failures: list[tuple[object, str]] = []
        self.start = time.perf_counter()
        self.bar: tqdm | None = None

    def expected(self, counts: Iterable[int]) -> None:
        """See Report."""
        if sys.stderr is None or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        layout = "{n_fmt}/{total_fmt} files |{bar}| {desc}{remaining} left"
        self.bar = tqdm(total=sum(counts), bar_format=layout, leave=False, dynamic_ncols=True)

    def made(self, row: dict[str, Any]) -> None:
        """See Report."""
        self.num_made += 1
        self.bytes_before += row.get("input_bytes", 0)
        self.bytes_after += row.get("output_bytes", 0)
        if self.bar is not None:
            saved = self.bytes_before - self.bytes_after
            if "output_bytes" in row and saved > 0:
                text = f"{self.bar.format_sizeof(saved)}B saved, "
                self.bar.set_description_str(text, refresh=False)
            self.bar.update()

    def done_already(self, name: object) -> None:
        """See Report."""
        self.num_done += 1
        if self.bar is not None and self.bar.total:  # it took no time that others will take
            self.bar.total -= 1

    def left_out(self) -> None:
        """See Report."""
        self.num_left_out += 1

    def failed(self, name: object, reason: str) -> None:
        """See Report."""
        self.failures.append((name, reason))
        if self.bar is not None and self.bar.n < self.bar.total:  # folders were not counted
            self.bar.update()

    def warned(self, name: object, text: str) -> None:
        """See Report."""
        if self.bar is not None:
            self.bar.clear()
        complain(text, name, "warning")

    def close(self) -> None:
        """See Report."""
        if self.bar is not None:
            self.bar.close()
        for name, reason in self.failures:
            complain(reason, name)
        sizes = ""
        if self.bytes_after:
            sizes = f" of {self.bytes_before:,} bytes, now {self.bytes_after:,}"
        counts = [
            f"{self.num_made:,} {self.verb}{sizes}",
            f"{self.num_done:,} done already" if self.num_done else "",
            f"{len(self.failures):,} failed",
            f"{self.num_left_out:,} left out" if self.num_left_out else "",
            f"{time.perf_counter() - self.start:.1f} s",
        ]
        click.echo("; ".join(filter(None, counts)), err=True)
