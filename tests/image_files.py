"""Images and files of images for the tests of image/."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
HEAD_OF_A_PROFILE = (40).to_bytes(4, "big") + bytes(32) + b"acsp"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a b="\xc3\xa9"/></x:xmpmeta>'


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def saved(image: Image.Image, format: str, **options) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    buffer.seek(0)
    return buffer


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: tuple[int, int], depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    width, height = size
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"tRNS", extra), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = [chunk(kind, data) for kind, data in parts if data or kind != b"tRNS"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
