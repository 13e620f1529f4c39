"""A whole .m2t file: what is in it, and the way to bytes and back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from ..errors import Corrupt, Truncated, UnsupportedVersion
from .chunks import Chunk, pack_chunk, read_chunk
from .cursor import Cursor
from .header import Header, read_header
from .strip import LAST_STRIP, STRIP, Strip, parse_strip

ALPHA = "A"
_METADATA = {
    "icc": "i",
    "exif": "e",
    "xmp": "x",
    "dpi": "d",
    "comment": "c",
    "iptc": "p",
    "text": "t",
}
_NAMES = {kind: name for name, kind in _METADATA.items()}
FIRST_READ = 4096
"""Bytes in which header and metadata are looked for at first."""
_WINDOW_STRIDE = 16  # a window has at least one token, of 16x16 pixels


@dataclass
class Bitstream:
    """The content of a file."""

    header: Header
    strips: list[Strip]
    """At least one; together, all windows in raster order."""
    metadata: dict[str, bytes] = field(default_factory=dict)
    """What belongs to the picture, by the keys of image/metadata.py; other ancillary chunks, as
    they are, by their letter."""
    alpha: bytes | None = None
    """The image's opacity as an 8-bit grey PNG of the same size."""

    @property
    def windows(self) -> list[bytes]:
        """The streams of all windows, in raster order."""
        return [window for strip in self.strips for window in strip.windows]

    def pack(self) -> bytes:
        """The file."""
        return b"".join([self.pack_head(), *self._packed_strips()])

    def pack_head(self) -> bytes:
        """Everything before the strips, for who writes those one by one (Strip.pack)."""
        parts = [self.header.pack()]
        for name, payload in self.metadata.items():
            parts.append(pack_chunk(_METADATA.get(name, name), payload))
        if self.alpha is not None:
            parts.append(pack_chunk(ALPHA, self.alpha))
        return b"".join(parts)

    def _packed_strips(self) -> Iterator[bytes]:
        assert self.strips, "a file has at least one strip"
        for i, strip in enumerate(self.strips):
            yield strip.pack(last=i == len(self.strips) - 1)


def parse_header(data: bytes) -> Header:
    """The header of a file, of which the first 64 bytes are enough."""
    return read_header(Cursor(data))


def read_head(file: IO[bytes]) -> Bitstream:
    """All that comes before the strips, which are not read: the result has none.

    Raises FormatError.
    """
    data = b""
    while True:
        more = file.read(max(FIRST_READ, len(data)))
        data += more
        try:
            return _parse_head(data)
        except Truncated:
            if not more:
                raise


def _parse_head(data: bytes) -> Bitstream:
    cursor = Cursor(data)
    bitstream = Bitstream(read_header(cursor), [])
    while cursor.peek() not in (STRIP, LAST_STRIP):
        _add(bitstream, read_chunk(cursor))
    return bitstream


def parse(data: bytes) -> Bitstream:
    """The content of a file, every checksum of the file verified. Raises FormatError."""
    cursor = Cursor(data)
    bitstream = Bitstream(read_header(cursor), [])
    header = bitstream.header
    max_windows = -(-header.width // _WINDOW_STRIDE) * -(-header.height // _WINDOW_STRIDE)
    while True:
        chunk = read_chunk(cursor)
        if chunk.kind in (STRIP, LAST_STRIP):
            strip = parse_strip(chunk, max_windows)
            max_windows -= len(strip.windows)
            bitstream.strips.append(strip)
        else:
            _add(bitstream, chunk)
        if chunk.kind == LAST_STRIP:
            break
    if cursor.num_bytes_left:
        raise Corrupt(f"{cursor.num_bytes_left} bytes follow the end at byte {cursor.position}")
    return bitstream


def _add(bitstream: Bitstream, chunk: Chunk) -> None:
    """Add a chunk other than a strip; these come before the strips, each kind once."""
    name = _NAMES.get(chunk.kind, chunk.kind)
    known = bitstream.alpha is not None if chunk.kind == ALPHA else name in bitstream.metadata
    if bitstream.strips or known:
        raise Corrupt(f"misplaced chunk '{chunk.kind}' before byte {chunk.position}")
    if chunk.kind == ALPHA:
        bitstream.alpha = bytes(chunk.payload)
    elif chunk.kind.islower():
        bitstream.metadata[name] = bytes(chunk.payload)
    else:
        raise UnsupportedVersion(f"chunk '{chunk.kind}' needs a newer program than this")
