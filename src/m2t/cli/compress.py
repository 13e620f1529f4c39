"""`m2t compress`."""

import io
from mimetypes import MimeTypes
from pathlib import Path
from typing import Any

import click

from ..config import Tune
from ..container.header import SUFFIX
from ..target import Target
from .batch import Work, batch_options, run
from .options import (
    effort_option,
    load_codec,
    max_pixels_option,
    quality_option,
    target_options,
    tune_option,
)


@click.command()
@batch_options
@quality_option
@target_options
@tune_option
@effort_option
@max_pixels_option
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those of the package]")
def compress(
    paths: tuple[Path, ...],
    quality: int,
    target: Target | None,
    tune: Tune | None,
    effort: int,
    max_pixels: int,
    model: str | None,
    **options: Any,
) -> int:
    """Compress images (JPEG, PNG, WebP, AVIF, ...) to .m2t files.

    photo.jpg becomes photo.m2t unless OUT or --out-dir says otherwise; - stands for standard input
    or output. Several inputs need --out-dir. A target takes the place of a quality: a size that
    files do not exceed, or a fidelity that they reach.
    """
    if options["out_dir"] is None and len(paths) == 2 and not paths[1].exists():
        # `m2t compress a.jpg b.jpg` is meant as two inputs.
        kind, _ = MimeTypes().guess_type(paths[1].name, strict=False)
        if kind is not None and kind.startswith("image/"):
            raise click.UsageError(f"OUT is an image, {paths[1]}. Several inputs need --out-dir.")

    def prepare(threads: int | None) -> Work:
        from ..image import open_image, pillow_limit, to_picture

        codec = load_codec(model, threads)

        def work(data: bytes, progress: Any) -> tuple[bytes, bytes]:
            with pillow_limit(max_pixels):
                picture = to_picture(open_image(io.BytesIO(data), max_pixels))
            del data  # the pixels are enough to hold
            encoded = codec.compress(
                picture, target or quality, tune=tune, effort=effort, progress=progress
            )
            return encoded, encoded

        return work

    return run(prepare, SUFFIX, paths, **options)
