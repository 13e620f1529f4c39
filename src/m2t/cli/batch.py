"""Many files, one after the other: what compress and decompress have in common."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..container import parse_header
from .files import STDIO, FilePath, Job, make_folder, plan, read, write
from .messages import Progress, attempt, progress_bar, told_warnings
from .options import threads_option

Work = Callable[[bytes, Progress | None], tuple[bytes, bytes]]
"""From a source's bytes: the bytes to write, and the .m2t file among the two for the summary."""


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
        click.option("-f", "--force", is_flag=True, help="Overwrite existing files."),
        click.option(
            "--json", "as_json", is_flag=True, help="One JSON object per file on standard output."
        ),
        threads_option,
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def run(
    prepare: Callable[[int | None], Work],
    suffix: str,
    paths: tuple[Path, ...],
    *,
    out_dir: Path | None,
    force: bool,
    as_json: bool,
    threads: int | None,
) -> int:
    """Process the files and return the exit code; a file that fails does not stop the others.

    `prepare` loads what the work needs, for so many threads. It is called only once something is
    known to be done.
    """
    jobs = plan(paths, out_dir, suffix)
    if as_json and any(job.target == STDIO for job in jobs):
        raise click.UsageError("--json and the output cannot both go to standard output.")
    ready = [job for job in jobs if attempt(partial(job.check, force), job.source, as_json)]
    if not ready:
        return 1
    if out_dir is not None:
        make_folder(out_dir)
    work = prepare(threads)
    done = [
        attempt(partial(_process, job, work, force, as_json), job.source, as_json) for job in ready
    ]
    return 0 if len(ready) == len(jobs) and all(done) else 1


def _process(job: Job, work: Work, force: bool, as_json: bool) -> None:
    start = time.perf_counter()
    with told_warnings(job.source), progress_bar(job.source) as progress:
        result, encoded = work(read(job.source), progress)
        write(job.target, result, force)
    header = parse_header(encoded)
    facts: dict[str, Any] = {
        "input": str(job.source),
        "output": str(job.target),
        "width": header.width,
        "height": header.height,
        "bytes": len(encoded),
        "bpp": 8 * len(encoded) / (header.width * header.height),
        **header.aim._asdict(),
        "model": header.model_id.hex(),
        "seconds": round(time.perf_counter() - start, 3),
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        summary = "{input}: {width}x{height}, {bytes:,} bytes, {bpp:.3f} bpp, {seconds:.1f} s"
        click.echo(summary.format(**facts), err=True)
