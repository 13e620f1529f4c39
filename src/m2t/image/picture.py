"""Images of any mode as 8-bit RGB, and back."""

import io
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from ..errors import ImageError
from .alpha import encode_alpha, filled
from .guard import load, pillow_errors, warn
from .metadata import attach, gathered, is_profile

AnyImage = Image.Image | NDArray[np.uint8]
"""Pillow's image of any mode, or an array: (H, W, 3) RGB, (H, W, 4) RGBA or (H, W) grey."""
OVERSHOOT = 0.1
"""How far beyond black and white, as a part of the range, floats may lie that filters left."""
LINES = 256
"""Of an image that are converted at a time."""
AMBIGUOUS = 16
"""Floats up to that are neither in 0..1 nor in 0..255."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image as the codec sees it: upright, 8 bits per channel."""

    rgb: np.ndarray
    """(H, W, 3) uint8; the three channels are equal where `grey`. Under full transparency, colours
    go on smoothly: those of the image, which nobody sees, are lost."""
    alpha: np.ndarray | None = None
    """(H, W) uint8, 0 is transparent; None is opaque."""
    grey: bool = False
    """The image had one colour channel, and is given back with one."""
    metadata: dict[str, bytes] = field(default_factory=dict)
    """What belongs to it: see metadata.py."""

    def part(self, pixels: tuple[slice, slice]) -> "Picture":
        """Some lines and columns of it, not copied."""
        alpha = None if self.alpha is None else self.alpha[pixels]
        return replace(self, rgb=self.rgb[pixels], alpha=alpha)

    @cached_property
    def packed_alpha(self) -> bytes | None:
        """`alpha` as files hold it."""
        return None if self.alpha is None else encode_alpha(self.alpha)


def to_picture(image: "AnyImage | Picture") -> Picture:
    """An image of any mode as a Picture; a Picture as it is.

    EXIF orientation is applied; 16-bit, integer and float images are scaled to 8 bits and warned
    of (ImageWarning). Raises ImageError where the image has no pixels, too many of them, or values
    out of the range of its mode; TypeError for what is no image.
    """
    if isinstance(image, Picture):
        return image
    image = _as_image(image)
    with pillow_errors(ImageError, f"cannot convert the image (mode {image.mode})"):
        load(image)
        texts, source = getattr(image, "text", None), image.format
        image = _eight_bits(_upright(image), source)
        metadata = gathered(image.info, texts)  # conversions drop parts of it
        if image.mode in ("CMYK", "LAB"):
            image = _to_srgb(image, metadata.pop("icc", None))
        if not is_profile(metadata.get("icc")):
            warn("what should be its colour profile is none, and is kept as it is")
        grey = image.mode in ("1", "L", "LA", "La")
        alpha = None
        if image.has_transparency_data:
            wanted = "LA" if grey else "RGBA"
            image = image if image.mode == wanted else image.convert(wanted)
            alpha = np.array(image.getchannel("A"))
            if alpha.min() == 255:  # opaque: nothing to keep
                alpha = None
        rgb = _rgb(image)
        if alpha is not None:
            rgb = filled(rgb, alpha)
    return Picture(rgb, alpha, grey, metadata)


def _as_image(image: object) -> Image.Image:
    if isinstance(image, Image.Image):
        return image
    if isinstance(image, np.ndarray):
        fits = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))
        if not fits or image.dtype != np.uint8:
            shape = ", ".join(map(str, image.shape))
            raise TypeError(f"an array of ({shape}) {image.dtype} is no image: (H, W, 3) uint8 is")
        return Image.fromarray(image)
    kind = type(image).__name__
    raise TypeError(f"an image of Pillow's or an array (H, W, 3) uint8 is wanted, not {kind}")


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """The colours (H, W, 3): converted some lines at a time, for large images fill the memory."""
    if image.mode not in ("RGB", "RGBA", "L", "LA"):
        return np.array(image.convert("RGB"))
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, LINES):
        part = image.crop((0, top, image.width, min(top + LINES, image.height)))
        rgb[top : top + LINES] = np.asarray(part.convert("RGB"))
    return rgb


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF says, the orientation removed from its metadata.

    EXIF that cannot be read stays as it is, and so does the image.
    """
    try:
        Image.Exif().load(image.info.get("exif") or b"")  # where Pillow has failed, it says nothing
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image  # Pillow would copy it
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF makes Pillow raise nearly anything
        warn("damaged EXIF data are kept as they are: what they may say of orientation is not used")
        return image


def _eight_bits(image: Image.Image, source: str | None) -> Image.Image:
    """Integer and float images as "L", scaled; others as they are. `source` is the file's format.

    Pillow's own conversion cuts everything above 255 off.
    """
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float64)
    low, high = float(values.min()), float(values.max())
    limit = _limit(image.mode, high, source)
    beyond = OVERSHOOT * limit if image.mode == "F" else 0
    if not (low >= -beyond and high <= limit + beyond):  # not a number included
        raise ImageError(f"values from {low:g} to {high:g}, but 0 to {limit} was expected")
    if low < 0 or high > limit:
        warn(f"values of {low:g} to {high:g} are cut to 0 to {limit}, and reduced to 8 bits")
        values = values.clip(0, limit)
    else:
        warn(f"values of 0 to {limit} are reduced to 8 bits")
    result = Image.fromarray(np.rint(values * (255 / limit)).astype(np.uint8))
    result.info = {key: value for key, value in image.info.items() if key != "transparency"}
    if (key := image.info.get("transparency")) is not None:
        result.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return result


def _limit(mode: str, high: float, source: str | None) -> int:
    """White, of integers or floats up to `high`."""
    if mode == "F":
        if 1 + OVERSHOOT < high < AMBIGUOUS:
            raise ImageError(f"values up to {high:g}, but 0 to 1 or 0 to 255 was expected")
        return 1 if high <= 1 + OVERSHOOT else 255
    # Pillow reads 16-bit PGM and PNG as "I", too; whoever makes one of an array has bytes in it.
    return 255 if mode == "I" and high <= 255 and source not in ("PPM", "PNG") else 65535


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
        warn("unusable colour profile; the colours are approximate")
        return image.convert("RGB")
    assert result is not None  # None only where asked to work in place
    return result


def grey_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) as from_picture() shows them where there is one channel of colour."""
    grey = np.empty_like(rgb)
    for top in range(0, len(rgb), LINES):
        part = Image.fromarray(rgb[top : top + LINES])
        grey[top : top + LINES] = np.asarray(part.convert("L"))[..., None]
    return grey


def from_picture(picture: Picture) -> Image.Image:
    """A Picture as a Pillow image: L, LA, RGB or RGBA.

    `info` holds what belongs to it, and save_image() writes it (Pillow's own save() takes only the
    profile from there).
    """
    image = Image.fromarray(picture.rgb)
    if picture.grey:
        image = image.convert("L")
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    attach(image, picture.metadata)
    return image
