"""`m2t verify`: whether files can be decoded, without pictures of them."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import click

from ..container.header import SUFFIX
from ..errors import describe, explain
from ..folders import levels
from ..work import Load, Verification, Work
from ..workers import Died, perform
from .files import STDIO, FilePath, read, refuse_folder
from .options import (
    jobs_option,
    max_pixels_option,
    recursive_option,
    threads_each,
    threads_option,
)
from .report import Account, Lines, Tally


def checker(load: Load, num_threads: int | None, goes_on: bool) -> Callable[[Path], dict[str, Any]]:
    """What finds, of a file, the row to tell: docs/json.md. `goes_on`: bugs are failures, too."""
    return partial(_check, load(num_threads), goes_on)


def _check(work: Work, goes_on: bool, file: Path) -> dict[str, Any]:
    try:
        if file != STDIO:
            refuse_folder(file)
        made = work(BytesIO(read(file)), None)
        return {"input": str(file), "latents_sha256": made.latents_sha256}
    except Exception as error:
        if not goes_on and describe(error) is None:
            raise
        return {"input": str(file), "error": explain(error)}


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
    load = Verification(model, max_pixels).load
    checks = partial(checker, load, threads_each(threads, jobs), goes_on)
    report = Tally("sound") if recursive else Lines("{input}: sound".format_map, as_json)
    account = Account(report, as_json)
    find = partial(levels, files, [SUFFIX])
    with closing(report):
        named = files
        if recursive:
            report.expected(len(level.files) for level in find(told=None))
            named = (file for level in find(told=account) for file in level.files)
        with closing(perform(named, checks, jobs)) as found:
            for file, row in found:
                if isinstance(row, Died):
                    account.failed(file, str(row))
                elif "error" in row:
                    account.failed(file, row["error"])
                else:
                    account.made(row)
    return 1 if account.num_failed else 0
