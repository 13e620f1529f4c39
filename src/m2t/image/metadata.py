"""What belongs to a picture besides its pixels: as bytes in .m2t files, as Pillow has it elsewhere.

| key | bytes |
|---|---|
| icc | ICC profile |
| exif | EXIF from the TIFF header on; its orientation is applied to the pixels already |
| xmp | XMP packet |
| dpi | "300 300": dots per inch, across and down, as decimal numbers |
| comment | of a JPEG file |
| iptc | IPTC records (captions, keywords), as in Photoshop's resource 0x0404 |
| text | UTF-8: keys and values of a PNG's texts, each followed by a zero byte |
"""

import re
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image, PngImagePlugin

from .guard import warn

EXIF_PREFIX = b"Exif\0\0"  # Pillow's savers want it before the TIFF header, nobody else does
IPTC = 0x0404
JPEG_LIMIT = 65533
"""Bytes in a segment of a JPEG file."""
MOST_DPI = 100_000
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
GAIN_MAP = re.compile(rb'\s+hdrgm:\w+="[^"]*"')
"""What XMP says of an HDR gain map, which is not kept."""
XMP_TEXTS = ("XML:com.adobe.xmp", "Raw profile type xmp")


def gathered(info: Mapping[Any, Any], texts: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """Metadata from Image.info, and from the texts of a PNG."""
    found = {
        "icc": info.get("icc_profile"),
        "exif": (info.get("exif") or b"").removeprefix(EXIF_PREFIX),
        "xmp": GAIN_MAP.sub(b"", _bytes(info.get("xmp"))),
        "dpi": _packed_dpi(info.get("dpi")),
        "comment": info.get("comment"),
        "iptc": (info.get("photoshop") or {}).get(IPTC),
        "text": _packed_texts(texts or info.get("texts") or {}),
    }
    as_bytes = {key: _bytes(value) for key, value in found.items()}
    return {key: value for key, value in as_bytes.items() if value}


def is_profile(icc: bytes | None) -> bool:
    """Whether an ICC profile begins as one, and is all there; none is no worse than a good one."""
    return icc is None or (icc[36:40] == b"acsp" and int.from_bytes(icc[:4], "big") <= len(icc))


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else b""


def _packed_dpi(dpi: Any) -> bytes | None:
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError):
        return None
    unknown = (across, down) == (72, 72)  # what Pillow says, too, where a file says nothing
    if unknown or not (0 < across < MOST_DPI and 0 < down < MOST_DPI):
        return None
    return f"{round(across, 1):g} {round(down, 1):g}".encode()


def _packed_texts(texts: Mapping[str, str]) -> bytes:
    kept = {key: value for key, value in texts.items() if key not in XMP_TEXTS}
    return "".join(f"{_plain(k)}\0{_plain(v)}\0" for k, v in kept.items()).encode()


def _plain(text: str) -> str:
    return str(text).replace("\0", " ")


def attach(image: Image.Image, metadata: Mapping[str, bytes]) -> None:
    """Put metadata into Image.info, where Pillow's readers would; "texts" has those of a PNG."""
    info = image.info
    for key, name in (("icc", "icc_profile"), ("xmp", "xmp"), ("comment", "comment")):
        if metadata.get(key):
            info[name] = metadata[key]
    if metadata.get("exif"):
        info["exif"] = EXIF_PREFIX + metadata["exif"]
    if (dpi := _unpacked_dpi(metadata.get("dpi", b""))) is not None:
        info["dpi"] = dpi
    if metadata.get("iptc"):
        info["photoshop"] = {IPTC: metadata["iptc"]}
    if texts := _unpacked_texts(metadata.get("text", b"")):
        info["texts"] = texts


def _unpacked_dpi(data: bytes) -> tuple[float, float] | None:
    try:
        across, down = (float(part) for part in data.split())
    except ValueError:
        return None
    return (across, down) if 0 < across < MOST_DPI and 0 < down < MOST_DPI else None


def _unpacked_texts(data: bytes) -> dict[str, str]:
    parts = data.decode(errors="replace").split("\0")[:-1]
    return {key: value for key, value in zip(parts[::2], parts[1::2], strict=False) if key}


def save_options(image: Image.Image, name: str) -> dict[str, Any]:
    """What to give Pillow's saver of that format; warns of what it cannot hold."""
    info = image.info
    keys = ("icc_profile", "exif", "xmp")
    options = {key: info[key] for key in keys if info.get(key)}
    others = gathered(info)
    if name == "PPM":
        if others:
            warn("PPM files hold no metadata")
        return {}
    if name in ("PNG", "JPEG") and info.get("dpi"):
        options["dpi"] = tuple(info["dpi"])
    texts, comment, iptc = info.get("texts"), others.get("comment"), others.get("iptc")
    if name == "PNG":
        remarks = {"Comment": comment.decode(errors="replace")} if comment else {}
        options["pnginfo"] = _png_texts(remarks | (texts or {}), options.pop("xmp", None))
        comment = None
    elif texts and name == "JPEG":
        comment = _with_captions(comment, texts)
    elif texts:
        warn(f"{name} files hold no captions as PNG files do: {', '.join(texts)}")
    if name == "JPEG":
        _fit_jpeg(options, comment, iptc)
    else:
        dpi = None if "dpi" in options else others.get("dpi")
        kinds = ("comment", comment), ("IPTC", iptc), ("resolution", dpi)
        if lost := " and ".join(what for what, it in kinds if it):
            warn(f"{name} files hold no {lost}; JPEG files do")
    return options


def _png_texts(texts: Mapping[str, str], xmp: bytes | None) -> PngImagePlugin.PngInfo:
    result = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        # PNG has keys in Latin-1; those of an .m2t file may be in anything.
        result.add_itxt(key[:79].encode("latin-1", "replace").decode("latin-1"), value)
    if xmp is not None:
        result.add_itxt(XMP_TEXTS[0], xmp.decode(errors="replace"))
    return result


def _with_captions(comment: bytes | None, texts: Mapping[str, str]) -> bytes:
    """A comment that has the texts of a PNG as well, line by line."""
    remarks = {"": comment.decode(errors="replace")} if comment else {}
    lines = [
        value if key in ("", "Comment") else f"{key}: {value}"
        for key, value in (remarks | dict(texts)).items()
    ]
    return "\n".join(lines).encode()


def _fit_jpeg(options: dict[str, Any], comment: bytes | None, iptc: bytes | None) -> None:
    """Add what only JPEG files hold, and drop what is longer than a segment."""
    # Pillow would take XMP and comment from the image where they are not given.
    limits = {"exif": JPEG_LIMIT, "xmp": JPEG_LIMIT - len(XMP_PREFIX), "comment": JPEG_LIMIT}
    options["comment"] = comment or b""
    for key, most in limits.items():
        if len(options.get(key, b"")) > most:
            name = key if key == "comment" else key.upper()
            warn(f"{len(options[key]):,} bytes of {name} are more than JPEG files hold")
            options[key] = b""
    if not iptc:
        return
    padded = iptc + b"\0" * (len(iptc) % 2)
    resource = b"8BIM" + struct.pack(">HHI", IPTC, 0, len(iptc)) + padded
    payload = b"Photoshop 3.0\0" + resource
    if len(payload) > JPEG_LIMIT:
        warn(f"{len(iptc):,} bytes of IPTC are more than JPEG files hold")
    else:
        options["extra"] = b"\xff\xed" + struct.pack(">H", len(payload) + 2) + payload
