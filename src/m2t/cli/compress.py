"""`m2t compress`."""

from dataclasses import dataclass, replace
from io import BytesIO
from mimetypes import MimeTypes
from pathlib import Path
from typing import Any

import click

from ..config import LOSSLESS_CHOICES, TUNES, Lossless, Tune
from ..container import parse
from ..container.header import SUFFIX
from ..container.layers import DEFAULT_LAYERS
from ..target import Target
from .batch import Options, batch_options, run
from .folders import PICTURES
from .ledger import Wanted
from .making import Work
from .options import (
    effort_option,
    load_codec,
    max_pixels_option,
    quality_option,
    target_options,
    tune_option,
)


@dataclass(frozen=True)
class Compression:
    """How pictures are compressed; can be pickled."""

    quality: int | Target
    tune: Tune | None
    effort: int
    layers: int
    lossless: Lossless
    max_pixels: int
    model: str | None
    verify: bool
    """Decode what was made."""
    keep: tuple[str, ...] | None
    """Names of metadata to keep; None: all."""

    def wanted(self, compared: bool) -> Wanted:
        """How files are made. The model is loaded only if files are `compared` with it."""
        facts: dict[str, Any] = {"tune": self.tune or TUNES[-1], "layers": self.layers}
        if self.lossless != "auto":
            facts["lossless"] = self.lossless == "always"
        target = None
        if isinstance(self.quality, Target):
            target = {self.quality.kind: self.quality.value}
        else:
            facts["quality"] = self.quality
        if compared and self.model is not None:
            codec = load_codec(self.model, None)
            facts["model"] = codec.identity.hex()
            facts["tune"] = self.tune or codec.config.rate.default_tune
        keep = None if self.keep is None else list(self.keep)
        if self.lossless == "always":
            facts = {"lossless": True}
        options = {"effort": self.effort, "keep": keep, "model": self.model, "target": target}
        return Wanted(options, facts, self.keep)

    def load(self, num_threads: int | None) -> Work:
        """See making.Load."""
        from ..image import open_image, pillow_limit, to_picture

        codec = load_codec(self.model, num_threads)
        choices: dict[str, Any] = {"tune": self.tune, "effort": self.effort}
        choices |= {"layers": self.layers, "lossless": self.lossless}

        def work(file: BytesIO, progress: Any) -> tuple[bytes, bytes]:
            with file, pillow_limit(self.max_pixels):  # then the pixels are enough to hold
                picture = to_picture(open_image(file, self.max_pixels))
            encoded = codec.compress(picture, self.quality, progress=progress, **choices)
            if self.keep is not None:
                encoded = stripped(encoded, self.keep)
            if self.verify:
                codec.verified(encoded)
            return encoded, encoded

        return work


@click.command()
@batch_options
@quality_option
@target_options
@tune_option
@effort_option
@click.option(
    "--layers",
    type=click.IntRange(1),
    help="With several, the first bytes of the file are a whole, coarse picture.  [default: 1]",
)
@click.option(
    "--progressive", is_flag=True, help=f"The same as --layers {DEFAULT_LAYERS}, without --layers."
)
@click.option(
    "--lossless",
    type=click.Choice(LOSSLESS_CHOICES),
    default="auto",
    show_default=True,
    help="Whether to keep every pixel; auto: where the file is no larger for it.",
)
@max_pixels_option
@click.option("--strip", is_flag=True, help="Drop metadata, except for the colour profile.")
@click.option("--strip-all", is_flag=True, help="Drop the colour profile as well.")
@click.option(
    "--verify/--no-verify",
    default=None,
    help="Whether each file is decoded before it counts as done.  [default: with --recursive]",
)
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those of the package]")
def compress(
    paths: tuple[Path, ...],
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
    verify: bool | None,
    model: str | None,
    **options: Any,
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
    layers = layers or (DEFAULT_LAYERS if progressive else 1)
    keep = () if strip_all else ("icc",) if strip else None
    how = target or quality, tune, effort, layers, lossless, max_pixels, model, verify, keep
    work = Compression(*how)
    wanted = work.wanted(asked.resumes)
    return run(work.load, SUFFIX, paths, asked, among=PICTURES, wanted=wanted, check=verify)


def stripped(encoded: bytes, keep: tuple[str, ...]) -> bytes:
    """An .m2t file with no other metadata than those named."""
    stream = parse(encoded)
    metadata = {name: value for name, value in stream.metadata.items() if name in keep}
    return replace(stream, metadata=metadata).pack()
