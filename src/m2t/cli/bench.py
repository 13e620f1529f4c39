"""`m2t bench`: how fast this machine compresses and decompresses."""

import json
import time
import warnings
from pathlib import Path
from typing import Any

import click

from ..config import Tune
from ..container.header import MAX_PIXELS
from ..work import load_codec
from .files import read
from .messages import attempt
from .options import effort_option, quality_option, threads_option, tune_option

_HEAD = """\
{input}, {width}x{height}: {bytes:,} bytes, {bpp:.3f} bpp
quality {quality}, tune {tune}, effort {effort}
model {model}, operations {operations}, medians of {runs} runs"""
_MEMORY = "memory {loaded_bytes:,} bytes with the model loaded, {peak_bytes:,} at the peak"


@click.command()
@click.argument("image", required=False, type=click.Path(path_type=Path))
@quality_option
@tune_option
@effort_option
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those of the package]")
@click.option(
    "--megapixels",
    type=click.FloatRange(0, MAX_PIXELS // 10**6, min_open=True),
    help="Resize the image to this area.  [default: as it is; 1 without IMAGE]",
)
@click.option(
    "--runs", type=click.IntRange(1), default=10, show_default=True, help="Runs that count."
)
@click.option(
    "--warmup", type=click.IntRange(0), default=2, show_default=True, help="Runs before these."
)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON object only.")
@threads_option
def bench(image: Path | None, as_json: bool, **options: Any) -> int:
    """Measure how long IMAGE takes to compress and decompress, and what takes the time.

    Without IMAGE, a synthetic photograph is made. Prints a table, then the same as a JSON object in
    one line. The whole is timed with all threads; its stages on one, since they overlap otherwise.
    """

    def show() -> None:
        with warnings.catch_warnings(action="ignore"):  # m2t compress tells them
            found = measured(image, **options)
        if not as_json:
            click.echo("\n".join(table(found)) + "\n")
        click.echo(json.dumps(found))

    return 0 if attempt(show, image or "", as_json) else 1


def measured(
    image: Path | None,
    *,
    quality: int,
    tune: Tune | None,
    effort: int,
    model: str | None,
    megapixels: float | None,
    runs: int,
    warmup: int,
    threads: int | None,
) -> dict[str, Any]:
    """What bench.measure() finds, and what belongs to it. Raises M2TError or OSError."""
    data = None if image is None else read(image)
    start = time.perf_counter()
    from ..bench import measure, sample
    from ..eval.results import versions

    imported = time.perf_counter()
    codec = load_codec(model, threads)
    loaded = time.perf_counter()
    return {
        "input": "synthetic" if image is None else str(image),
        **measure(codec, sample(data, megapixels), quality, tune, effort, runs, warmup),
        "import_seconds": round(imported - start, 3),
        "load_seconds": round(loaded - imported, 3),
        "versions": versions(),
    }


def table(found: dict[str, Any]) -> list[str]:
    """The lines of a text for people."""
    lines = [_HEAD.format(**found)]
    for direction in ("encode", "decode"):
        lines += ["", *_rows(direction, found[direction], found["num_threads"])]
    lines += ["", "import {import_seconds:.2f} s, load {load_seconds:.2f} s".format(**found)]
    if found["peak_bytes"] is not None:
        lines.append(_MEMORY.format(**found))
    return lines


def _rows(direction: str, measured: dict[str, Any], num_threads: int) -> list[str]:
    from ..bench import IMAGE_STAGES

    stages = measured["stage_seconds"]
    counted = {name: seconds for name, seconds in stages.items() if name not in IMAGE_STAGES}
    total = sum(counted.values())
    rows = [f"{direction:<24}{'ms':>10}{'share':>10}"]
    for name, seconds in stages.items():
        share = f"{100 * seconds / total:8.1f} %" if name in counted else "outside"
        rows.append(f"  {name.replace('_', ' '):<22}{1000 * seconds:10.2f}{share:>10}")
    rows.append(f"  {'sum, 1 thread':<22}{1000 * total:10.2f}")
    whole = f"whole, {num_threads} thread" + ("s" if num_threads > 1 else "")
    speed = "{megapixels_per_second:10.2f} megapixels/s".format(**measured)
    rows.append(f"  {whole:<22}{1000 * measured['seconds']:10.2f}{speed}")
    return rows
