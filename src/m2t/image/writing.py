"""Pillow's images to files of the formats that people ask for."""

import os
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from ..errors import OutputError
from .guard import pillow_errors
from .metadata import save_options

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".ppm": "PPM",
    ".pgm": "PPM",
}
"""What save_image() writes, by file suffix."""

_SAVE_OPTIONS = {
    "PNG": {"compress_level": 2},
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    # exact: keep the colours under fully transparent pixels too.
    "WEBP": {"lossless": True, "exact": True},
    "PPM": {},
}


def save_image(
    image: Image.Image, target: str | os.PathLike[str] | BinaryIO, format: str | None = None
) -> None:
    """Write an image with its metadata, as far as its format holds them; of the rest, warn.

    `format` is a suffix of FORMATS, with or without the dot; by default that of `target`, or PNG
    where it is a file object. Raises OutputError where the format is unknown or cannot hold the
    image, OSError where the file cannot be written.
    """
    by_name = isinstance(target, (str, os.PathLike))
    name = output_format(format or (Path(target).suffix if by_name else "png"))
    if name in ("JPEG", "PPM") and image.has_transparency_data:
        raise OutputError(f"{name} cannot hold transparency; PNG and WebP can")
    metadata = save_options(image, name)
    with pillow_errors(OutputError, f"cannot write {name}"):
        image.save(target, name, **_SAVE_OPTIONS[name], **metadata)


def output_format(suffix: str) -> str:
    """Pillow's name of the format with that suffix; OutputError where we do not write it."""
    name = FORMATS.get("." + suffix.removeprefix(".").lower())
    if name is None:
        known = " ".join(FORMATS)
        raise OutputError(f"cannot write {suffix or 'a file without suffix'}; known: {known}")
    return name
