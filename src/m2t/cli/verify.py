"""`m2t verify`: whether files can be decoded, without pictures of them."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..container import parse_header
from ..container.header import SUFFIX, check_pixels
from .files import STDIO, FilePath, read, refuse_folder
from .folders import levels
from .messages import describe, explain
from .options import (
    Codecs,
    jobs_option,
    max_pixels_option,
    recursive_option,
    threads_each,
    threads_option,
)
from .report import Account, Lines, Tally
from .workers import Died, perform


@dataclass(frozen=True)
class Verification:
    """How .m2t files are verified; can be pickled."""

    model: str | None
    num_threads: int | None
    max_pixels: int
    goes_on: bool
    """Bugs of ours are a file's failure, too."""

    def load(self) -> Callable[[Path], dict[str, Any]]:
        """What finds, of a file, the row to tell: docs/json.md."""
        codecs = Codecs(self.model, self.num_threads)

        def verified(file: Path) -> str | None:
            from ..checksums import latents_sha256

            if file != STDIO:
                refuse_folder(file)
            data = read(file)
            header = parse_header(data)
            check_pixels(header.width, header.height, self.max_pixels)
            y_hat = codecs.of(data).verified(data)
            return None if y_hat is None else latents_sha256(y_hat)

        def check(file: Path) -> dict[str, Any]:
            try:
                return {"input": str(file), "latents_sha256": verified(file)}
            except Exception as error:
                if not self.goes_on and describe(error) is None:
                    raise
                return {"input": str(file), "error": explain(error)}

        return check


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FilePath())
@recursive_option
@jobs_option
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those that a file names]")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per file on standard output."
)
@max_pixels_option
@threads_option
def verify(
    files: tuple[Path, ...],
    recursive: bool,
    jobs: int,
    model: str | None,
    as_json: bool,
    max_pixels: int,
    threads: int | None,
) -> int:
    """Decode the tokens of .m2t files, check them against every checksum, and write nothing.

    Files that are damaged are named; the exit code is then 1.
    """
    jobs = 1 if STDIO in files else jobs
    goes_on = recursive or jobs > 1
    checks = Verification(model, threads_each(threads, jobs), max_pixels, goes_on)
    report = Tally("sound") if recursive else Lines("{input}: sound".format_map, as_json)
    account = Account(report, as_json)
    find = partial(levels, files, [SUFFIX])
    with closing(report):
        named = files
        if recursive:
            report.expected(len(level.files) for level in find(told=None))
            named = (file for level in find(told=account) for file in level.files)
        with closing(perform(named, checks.load, jobs)) as found:
            for file, row in found:
                if isinstance(row, Died):
                    account.failed(file, str(row))
                elif "error" in row:
                    account.failed(file, row["error"])
                else:
                    account.made(row)
    return 1 if account.num_failed else 0
