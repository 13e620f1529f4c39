"""`m2t compress`."""

import functools
from collections.abc import Callable
from dataclasses import replace
from mimetypes import MimeTypes
from pathlib import Path
from typing import Any

import click

from ..config import LOSSLESS_CHOICES, Lossless, Tune
from ..container.header import SUFFIX
from ..container.layers import DEFAULT_LAYERS
from ..folders import PICTURES
from ..target import Target
from ..work import Compression
from .batch import Options, batch_options, run
from .options import (
    effort_option,
    max_pixels_option,
    quality_option,
    target_options,
    tune_option,
)


def compression_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command, as `compression`, how pictures are compressed, verified by default."""

    @functools.wraps(command)
    def compressing(
        *args: Any,
        quality: int,
        target: Target | None,
        tune: Tune | None,
        effort: int,
        layers: int | None,
        progressive: bool,
        lossless: Lossless,
        max_pixels: int,
        strip: bool,
        strip_all: bool,
        model: str | None,
        **options: Any,
    ) -> int:
        layers = layers or (DEFAULT_LAYERS if progressive else 1)
        keep = () if strip_all else ("icc",) if strip else None
        how = tune, effort, layers, lossless, max_pixels, model
        compression = Compression(target or quality, *how, keep=keep)
        return command(*args, compression=compression, **options)

    decorators = [
        quality_option,
        target_options,
        tune_option,
        effort_option,
        click.option(
            "--layers",
            type=click.IntRange(1),
            help="With several, the first bytes of the file are a whole, coarse picture."
            "  [default: 1]",
        ),
        click.option(
            "--progressive",
            is_flag=True,
            help=f"The same as --layers {DEFAULT_LAYERS}, without --layers.",
        ),
        click.option(
            "--lossless",
            type=click.Choice(LOSSLESS_CHOICES),
            default="auto",
            show_default=True,
            help="Whether to keep every pixel; auto: where the file is no larger for it.",
        ),
        max_pixels_option,
        click.option("--strip", is_flag=True, help="Drop metadata, except for the colour profile."),
        click.option("--strip-all", is_flag=True, help="Drop the colour profile as well."),
        click.option(
            "--model", metavar="NAME|PATH", help="Weights.  [default: those of the package]"
        ),
    ]
    for decorator in reversed(decorators):
        compressing = decorator(compressing)
    return compressing


@click.command()
@batch_options
@compression_options
@click.option(
    "--verify/--no-verify",
    default=None,
    help="Whether each file is decoded before it counts as done.  [default: with --recursive]",
)
def compress(
    paths: tuple[Path, ...], compression: Compression, verify: bool | None, **options: Any
) -> int:
    """Compress images (JPEG, PNG, WebP, AVIF, ...) to .m2t files.

    photo.jpg becomes photo.m2t unless OUT or --out-dir says otherwise; - stands for standard input
    or output. Several inputs need --out-dir. A target takes the place of a quality: a size that
    files do not exceed, or a fidelity that they reach. With --recursive, folders among the inputs
    are compressed with all below, and what is done already is skipped: docs/folders.md.
    """
    asked = Options(**options)
    if asked.out_dir is None and len(paths) == 2 and not paths[1].exists():
        # `m2t compress a.jpg b.jpg` is meant as two inputs.
        kind, _ = MimeTypes().guess_type(paths[1].name, strict=False)
        if kind is not None and kind.startswith("image/"):
            raise click.UsageError(f"OUT is an image, {paths[1]}. Several inputs need --out-dir.")
    if verify is None:
        verify = asked.recursive
    work = replace(compression, verify=verify)
    wanted = work.wanted(asked.resumes)
    return run(work.load, SUFFIX, paths, asked, among=PICTURES, wanted=wanted, check=verify)
