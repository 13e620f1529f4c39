"""What a TIFF file tells of its picture in tags: as EXIF and IPTC, where other formats have it."""

import struct
from typing import Any

from PIL import ExifTags, Image

from .guard import warn
from .metadata import IPTC

TOLD = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Orientation,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
"""Tags that are about the picture; the others are about how its pixels are stored."""
BELOW = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
"""Directories of further tags."""
IPTC_TAG = 33723


def keep_tags(image: Image.Image) -> None:
    """Put the tags of a TIFF file into Image.info, as those of a JPEG file are there.

    What is damaged is left out, with an ImageWarning.
    """
    if image.format != "TIFF" or image.info.get("exif"):
        return
    try:
        exif, iptc = _exif(image.getexif()), _iptc(image.getexif().get(IPTC_TAG))
    except Exception:  # damaged tags make Pillow raise nearly anything
        warn("damaged tags are dropped")
        return
    if exif:
        image.info["exif"] = exif
    if iptc:
        image.info.setdefault("photoshop", {})[IPTC] = iptc


def _exif(tags: Image.Exif) -> bytes | None:
    kept = Image.Exif()
    for tag in TOLD:
        if tag in tags:
            kept[tag] = tags[tag]
    for directory in BELOW:
        if found := tags.get_ifd(directory):
            kept[directory] = dict(found)
    return kept.tobytes() if len(kept) else None


def _iptc(value: Any) -> bytes:
    """Some programs write it as numbers of 32 bits, whose bytes it is."""
    if isinstance(value, tuple):
        return struct.pack(f"<{len(value)}I", *value)
    return value if isinstance(value, bytes) else b""
