"""Image files of any kind to Pillow's images."""

import importlib
import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from ..container.header import MAX_PIXELS
from ..errors import ImageError
from .colours import keep_colours
from .guard import load, pillow_errors, warn
from .tags import keep_tags

NEW_SUBFILE_TYPE, SUB_IFDS, DNG_VERSION = 254, 330, 50706
"""Tags of TIFF files."""
GAIN_MAP = re.compile(
    rb"http://ns\.adobe\.com/hdr-gain-map/|urn:iso:std:iso:ts:21496:-1"
    rb"|urn:com:apple:photo:2020:aux:hdrgainmap|infe.{8}tmap",
    re.DOTALL,
)
"""By which files announce one: JPEG in XMP or in a segment, HEIC and AVIF among their items."""
HEAD = 1 << 18
"""Bytes in which a file says what it holds."""


def open_image(
    source: str | os.PathLike[str] | BinaryIO, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Read an image file, whole.

    HEIC and JPEG XL are read where pillow-heif or pillow-jxl-plugin is installed. Raises ImageError
    where the file is damaged, has more than `max_pixels` or than Pillow's limit allows, is a
    camera's raw data or not an image; OSError where it cannot be read. Warns (ImageWarning) of what
    Pillow does not give.
    """
    if isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file:
            return open_image(file, max_pixels)
    with pillow_errors(ImageError, "cannot read the image"):
        image = _opened(source)
        head = _head(source)
        _refuse_raw(image, head)
        keep_colours(image, source, head)
        _tell_gain_map(head)
        load(image, max_pixels)
        keep_tags(image)  # not before: Pillow looks for the orientation in EXIF, if there is any
        if getattr(image, "n_frames", 1) > 1:
            image = image.copy()  # of this frame alone: the others would need the file
    return image


def _opened(source: BinaryIO) -> Image.Image:
    try:
        return Image.open(source)
    except UnidentifiedImageError:
        head = _head(source)
    for is_one, name, package, module, opened in _PLUGINS:
        if is_one(head):
            if find_spec(module) is None:
                raise ImageError(f"Pillow reads {name} with a plugin: pip install {package}")
            return opened(importlib.import_module(module), source)
    # Pillow's own text shows the address of the file object.
    raise ImageError("not an image of a known format")


def _head(source: BinaryIO) -> bytes:
    """The first bytes; the file stands where it stood."""
    position = source.tell()
    source.seek(0)
    head = source.read(HEAD)
    source.seek(position)
    return head


def _is_heif(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def _is_jxl(head: bytes) -> bool:
    return head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n"))


_PLUGINS: list[tuple[Callable[[bytes], bool], str, str, str, Callable]] = [
    (_is_heif, "HEIC", "pillow-heif", "pillow_heif", lambda m, file: m.open_heif(file).to_pillow()),
    (_is_jxl, "JPEG XL", "pillow-jxl-plugin", "pillow_jxl", lambda _, file: Image.open(file)),
]
"""Formats that Pillow does not know, and what reads them. The plugin for JPEG XL tells Pillow of
itself when it is imported."""


def _refuse_raw(image: Image.Image, head: bytes) -> None:
    """Refuse a camera's raw file, of which Pillow reads a small preview."""
    if image.format != "TIFF":
        return
    tags = getattr(image, "tag_v2", {})
    is_preview = bool(tags.get(NEW_SUBFILE_TYPE, 0) & 1) and SUB_IFDS in tags
    if DNG_VERSION in tags or is_preview or head[8:10] == b"CR":
        raise ImageError(
            f"camera raw data, of which only a preview of {image.width}x{image.height} pixels can "
            "be read: develop it first"
        )


def _tell_gain_map(head: bytes) -> None:
    """Warn of what would make the picture brighter on HDR screens, and is not kept."""
    if GAIN_MAP.search(head):
        warn("its HDR gain map is not kept: the picture is that of ordinary screens")
