"""`m2t decompress`."""

from pathlib import Path
from typing import Any

import click

from ..container.header import SUFFIX
from ..work import Decompression, Wanted
from .batch import Options, batch_options, run
from .files import STDIO
from .options import RegionType, max_pixels_option


@click.command()
@batch_options
@click.option(
    "--format",
    "suffix",
    type=click.Choice(["png", "jpg", "webp", "ppm"]),
    help="Format of the image.  [default: by OUT's name, or png]",
)
@click.option("--region", type=RegionType(), help="Decode this part only, in pixels.")
@click.option(
    "--scale",
    type=click.Choice(["1/2", "1/4", "1/8"]),
    help="Make a smaller image, faster.",
)
@click.option(
    "--upto",
    type=click.IntRange(1),
    metavar="LAYER",
    help="Show so many layers of the file, not all.",
)
@click.option("--partial", is_flag=True, help="Show what is intact of a damaged file.")
@click.option(
    "--samples",
    type=click.IntRange(1, 100),
    metavar="N",
    help="Of what is missing then, show the mean of N samples (1 to 100).",
)
@max_pixels_option
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those that the file names]")
def decompress(
    paths: tuple[Path, ...],
    suffix: str | None,
    region: tuple[int, ...] | None,
    scale: str | None,
    upto: int | None,
    partial: bool,
    samples: int | None,
    max_pixels: int,
    model: str | None,
    **options: Any,
) -> int:
    """Decompress .m2t files to images.

    photo.m2t becomes photo.png unless OUT, --out-dir or --format says otherwise; - stands for
    standard input or output. Several inputs need --out-dir. With --recursive, folders among them
    are decompressed with all below, and what is done already is skipped: docs/folders.md. --upto
    is for files in layers (compress --progressive). --partial shows what is intact of a file that
    is damaged or ends too early, and warns of what is lost: docs/security.md. --samples goes with
    either.
    """
    asked = Options(**options)
    if samples is not None and upto is None and not partial:
        raise click.UsageError("--samples goes with --upto or --partial.")
    if suffix is None and asked.out_dir is None and len(paths) == 2 and paths[1] != STDIO:
        suffix = paths[1].suffix
    parts = int(scale.removeprefix("1/")) if scale else 1
    suffix = "." + (suffix or "png").removeprefix(".")
    view = {"region": region, "scale": parts, "upto": upto, "partial": partial}
    view |= {"samples": samples or 0, "max_pixels": max_pixels}
    work = Decompression(suffix, model, view)
    made = {
        "region": region and list(region),
        "scale": parts,
        "upto": upto,
        "partial": partial,
        "samples": samples,
        "model": model,
    }
    return run(work.load, suffix, paths, asked, among=[SUFFIX], wanted=Wanted(made))
