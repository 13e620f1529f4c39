"""Metadata of a file: a chunk each, or all of them deflated in one, where that is shorter."""

import zlib
from collections.abc import Iterator, Mapping

from ..errors import Corrupt, FormatError, LimitExceeded
from .chunks import Chunk, pack_chunk
from .cursor import Cursor, pack_number

KINDS = {
    "icc": "i",
    "exif": "e",
    "xmp": "x",
    "dpi": "d",
    "comment": "c",
    "iptc": "p",
    "text": "t",
}
NAMES = {kind: name for name, kind in KINDS.items()}
DEFLATED = "m"
MAX_INFLATED = 1 << 24
"""Bytes that a chunk DEFLATED may become: a short one cannot fill the memory."""

_RAW = -zlib.MAX_WBITS  # without the header and checksum of zlib: the chunk has its own


def pack_metadata(metadata: Mapping[str, bytes]) -> bytes:
    """The chunks of metadata, and after them those of other ancillary chunks, by their letter."""
    known = {KINDS[name]: data for name, data in metadata.items() if name in KINDS}
    others = [pack_chunk(kind, data) for kind, data in metadata.items() if kind not in KINDS]
    return b"".join([_deflated(known) or _plain(known), *others])


def _plain(known: Mapping[str, bytes]) -> bytes:
    return b"".join(pack_chunk(kind, data) for kind, data in known.items())


def _deflated(known: Mapping[str, bytes]) -> bytes | None:
    """The chunk DEFLATED; None unless it holds less than all others together would."""
    inner = b"".join(kind.encode() + pack_number(len(data)) + data for kind, data in known.items())
    if len(inner) > MAX_INFLATED:
        return None
    deflater = zlib.compressobj(zlib.Z_BEST_COMPRESSION, wbits=_RAW)
    payload = deflater.compress(inner) + deflater.flush()
    shorter = len(payload) < sum(map(len, known.values()))
    return pack_chunk(DEFLATED, payload) if shorter else None


def inflated(chunk: Chunk) -> Iterator[Chunk]:
    """What a chunk DEFLATED holds; Corrupt or LimitExceeded where that cannot be."""
    inflater = zlib.decompressobj(_RAW)
    try:
        data = inflater.decompress(chunk.payload, MAX_INFLATED + 1)
    except zlib.error as error:
        raise _corrupt(chunk) from error
    if len(data) > MAX_INFLATED:
        raise LimitExceeded(
            f"chunk at byte {chunk.position} inflates to more than {MAX_INFLATED:,} bytes"
        )
    if not inflater.eof or inflater.unused_data:
        raise _corrupt(chunk)
    cursor = Cursor(data)
    while cursor.num_bytes_left:
        kind = chr(cursor.take(1)[0])
        if not "a" <= kind <= "z" or kind == DEFLATED:
            raise _corrupt(chunk)
        try:
            payload = cursor.take(cursor.number(MAX_INFLATED))
        except FormatError as error:  # Truncated would mean that the file goes on
            raise _corrupt(chunk) from error
        yield Chunk(kind, payload, chunk.position)


def _corrupt(chunk: Chunk) -> Corrupt:
    return Corrupt(f"chunk at byte {chunk.position} does not hold deflated metadata")
