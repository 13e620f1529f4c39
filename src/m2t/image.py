"""Images of any kind in, 8-bit RGB plus what belongs to it out; and back."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from .container.header import MAX_PIXELS
from .errors import Corrupt, ImageError, M2TError, OutputError

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
_EXIF_PREFIX = b"Exif\0\0"  # Pillow's savers want it before the TIFF header, nobody else does


class ImageWarning(UserWarning):
    """Something of the image is not kept: depth, frames, damaged metadata."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image as the codec sees it: upright, 8 bits per channel."""

    rgb: np.ndarray
    """(H, W, 3) uint8; the three channels are equal where `grey`."""
    alpha: np.ndarray | None = None
    """(H, W) uint8, 0 is transparent; None is opaque."""
    grey: bool = False
    """The image had one colour channel, and is given back with one."""
    icc: bytes | None = None
    """ICC colour profile of the pixels."""
    exif: bytes | None = None
    """From the TIFF header on; its orientation is applied to the pixels already."""
    xmp: bytes | None = None
    """XMP packet."""


@contextmanager
def _pillow_errors(kind: type[M2TError], what: str) -> Iterator[None]:
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


def open_image(source: str | os.PathLike[str] | BinaryIO) -> Image.Image:
    """Read an image file, whole.

    Raises ImageError where it is damaged, larger than MAX_PIXELS or not an image; OSError where it
    cannot be read. Warns (ImageWarning) where Pillow gives fewer bits than there are.
    """
    if isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file:
            return open_image(file)
    with _pillow_errors(ImageError, "cannot read the image"):
        try:
            image = Image.open(source)
        except UnidentifiedImageError:
            # Pillow's own text shows the address of the file object.
            raise ImageError("not an image of a known format") from None
        _load(image)
        if getattr(image, "n_frames", 1) > 1:
            image = image.copy()  # of this frame alone: the others would need the file
    return image


def _load(image: Image.Image) -> None:
    """Read the pixels after looking at what is known before."""
    width, height = image.size
    if width == 0 or height == 0:
        raise ImageError("the image has no pixels")
    if width * height > MAX_PIXELS:
        raise ImageError(f"{width}x{height} pixels are more than the limit of {MAX_PIXELS:,}")
    # Pillow has no 16-bit RGB: it drops the low bytes, and afterwards nothing tells.
    rawmodes = [str(tile.args) for tile in getattr(image, "tile", [])]
    if image.mode in ("RGB", "RGBA") and any(";16" in rawmode for rawmode in rawmodes):
        _warn("16 bits per channel are reduced to 8")
    if getattr(image, "n_frames", 1) > 1:
        _warn("several frames; only the first is kept")
    image.load()


def _warn(text: str) -> None:
    warnings.warn(text, ImageWarning, stacklevel=3)


def to_picture(image: Image.Image) -> Picture:
    """A Pillow image of any mode as a Picture.

    EXIF orientation is applied; 16-bit, integer and float images are scaled to 8 bits and warned
    of (ImageWarning). Raises ImageError where the image has no pixels, too many of them, or values
    out of the range of its mode.
    """
    with _pillow_errors(ImageError, f"cannot convert the image (mode {image.mode})"):
        _load(image)
        image = _eight_bits(_upright(image))
        info = image.info  # conversions drop parts of it
        icc = info.get("icc_profile") or None
        if image.mode in ("CMYK", "LAB"):
            image, icc = _to_srgb(image, icc), None
        grey = image.mode in ("1", "L", "LA", "La")
        alpha = None
        if image.has_transparency_data:
            image = image.convert("LA" if grey else "RGBA")
            alpha = np.array(image.getchannel("A"))
            if alpha.min() == 255:  # opaque: nothing to keep
                alpha = None
        rgb = np.array(image.convert("RGB"))
    exif = info.get("exif", b"").removeprefix(_EXIF_PREFIX)
    xmp = info.get("xmp", b"")
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    return Picture(rgb, alpha, grey, icc, exif or None, xmp or None)


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF says, the orientation removed from its metadata."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF makes Pillow raise nearly anything
        _warn("damaged EXIF data are dropped")
        image = image.copy()
        image.info.pop("exif", None)
        return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Integer and float images as "L", scaled; others as they are.

    Pillow's own conversion cuts everything above 255 off.
    """
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float64)
    low, high = values.min(), values.max()
    limit = 65535  # also for "I", as which Pillow reads 16-bit PGM
    if image.mode == "F":
        limit = 1 if high <= 1 else 255
    if not (low >= 0 and high <= limit):  # not a number included
        raise ImageError(f"values from {low:g} to {high:g}, but 0 to {limit} was expected")
    _warn(f"values of 0 to {limit} are reduced to 8 bits")
    result = Image.fromarray(np.rint(values * (255 / limit)).astype(np.uint8))
    result.info = {key: value for key, value in image.info.items() if key != "transparency"}
    if (key := image.info.get("transparency")) is not None:
        result.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return result


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """CMYK or LAB as RGB: through the profile where there is one, since it means those inks."""
    if icc is None:
        return image.convert("RGB")
    from PIL import ImageCms  # noqa: PLC0415 - few pictures need it

    try:
        result = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        _warn("unusable colour profile; the colours are approximate")
        return image.convert("RGB")
    assert result is not None  # None only where asked to work in place
    return result


def from_picture(picture: Picture) -> Image.Image:
    """A Picture as a Pillow image: L, LA, RGB or RGBA.

    `info` holds icc_profile, exif and xmp; save_image() writes all three (Pillow's own save()
    takes only the profile from there).
    """
    image = Image.fromarray(picture.rgb)
    if picture.grey:
        image = image.convert("L")
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    if picture.icc:
        image.info["icc_profile"] = picture.icc
    if picture.exif:
        image.info["exif"] = _EXIF_PREFIX + picture.exif
    if picture.xmp:
        image.info["xmp"] = picture.xmp
    return image


def encode_alpha(alpha: np.ndarray) -> bytes:
    """An alpha plane, (H, W) uint8, as an 8-bit grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(alpha).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def decode_alpha(data: bytes, size: tuple[int, int]) -> np.ndarray:
    """The plane of encode_alpha(), (H, W) uint8.

    `size` is the expected (width, height), compared before anything is allocated. Raises Corrupt.
    """
    with _pillow_errors(Corrupt, "damaged alpha plane"):
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        if image.size != size or image.mode != "L":
            raise Corrupt(f"alpha plane is {image.mode} of {image.size}, not L of {size}")
        return np.array(image)


def save_image(
    image: Image.Image, target: str | os.PathLike[str] | BinaryIO, format: str | None = None
) -> None:
    """Write an image with its metadata.

    `format` is a suffix of FORMATS, with or without the dot; by default that of `target`, or PNG
    where it is a file object. Raises OutputError where the format is unknown or cannot hold the
    image, OSError where the file cannot be written.
    """
    by_name = isinstance(target, (str, os.PathLike))
    name = output_format(format or (Path(target).suffix if by_name else "png"))
    if name in ("JPEG", "PPM") and image.has_transparency_data:
        raise OutputError(f"{name} cannot hold transparency; PNG and WebP can")
    keys = ("icc_profile", "exif", "xmp")
    metadata = {key: image.info[key] for key in keys if image.info.get(key)}
    if name == "PNG" and "xmp" in metadata:
        metadata["pnginfo"] = text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", metadata.pop("xmp").decode(errors="replace"))
    with _pillow_errors(OutputError, f"cannot write {name}"):
        image.save(target, name, **_SAVE_OPTIONS[name], **metadata)


def output_format(suffix: str) -> str:
    """Pillow's name of the format with that suffix; OutputError where we do not write it."""
    name = FORMATS.get("." + suffix.removeprefix(".").lower())
    if name is None:
        known = " ".join(FORMATS)
        raise OutputError(f"cannot write {suffix or 'a file without suffix'}; known: {known}")
    return name
