"""What all that deals with Pillow needs: its errors as ours, warnings, limits."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, PngImagePlugin

from ..container.header import MAX_PIXELS
from ..errors import ImageError, M2TError

MAX_METADATA = 1 << 26
"""Bytes of a profile or text in a PNG, inflated. Pillow's own limit is 1 MB."""


class ImageWarning(UserWarning):
    """Something of the image is not kept: depth, frames, colours, metadata."""


def warn(text: str) -> None:
    """Warn the caller of the library."""
    warnings.warn(text, ImageWarning, stacklevel=3)


@contextmanager
def pillow_errors(kind: type[M2TError], what: str) -> Iterator[None]:
    """Raise what Pillow raises on damaged data as `kind`.

    Its decoders raise nearly anything there: OSError, SyntaxError, ValueError, struct.error...
    Errors of the operating system, such as a full disk, pass as they are.
    """
    try:
        yield
    except (M2TError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise kind(f"{what}: {error}" if str(error) else what) from error


@contextmanager
def pillow_limit(max_pixels: int) -> Iterator[None]:
    """Pillow's limits, which are the whole process's, exchanged for ours: for programs."""
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = max_pixels, MAX_METADATA
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = before


def load(image: Image.Image, max_pixels: int = MAX_PIXELS) -> None:
    """Read the pixels after looking at what is known before."""
    width, height = image.size
    if width == 0 or height == 0:
        raise ImageError("the image has no pixels")
    if width * height > max_pixels:
        raise ImageError(f"{width}x{height} pixels are more than the limit of {max_pixels:,}")
    # Pillow has no 16-bit RGB: it drops the low bytes, and afterwards nothing tells.
    rawmodes = [str(tile.args) for tile in getattr(image, "tile", [])]
    if image.mode in ("RGB", "RGBA") and any(";16" in rawmode for rawmode in rawmodes):
        warn("16 bits per channel are reduced to 8")
    if getattr(image, "n_frames", 1) > 1:
        warn("several frames; only the first is kept")
    image.load()
