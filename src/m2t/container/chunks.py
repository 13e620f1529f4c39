"""Chunks: type, length, payload, CRC-32. All that follows the header is made of them.

A type is one ASCII letter. A reader may skip types in lower case that it does not know; it must
give up at an unknown one in upper case.
"""

import zlib
from string import ascii_letters
from typing import NamedTuple

from ..errors import Corrupt
from .cursor import Cursor, pack_number

MAX_PAYLOAD = 1 << 31


class Chunk(NamedTuple):
    """A chunk whose CRC was right."""

    kind: str
    """One ASCII letter."""
    payload: memoryview
    position: int
    """Where the payload begins in the file, in bytes."""


def pack_chunk(kind: str, payload: bytes) -> bytes:
    """One chunk; its CRC covers all of its other bytes."""
    assert len(kind) == 1, kind
    assert kind in ascii_letters, kind
    data = kind.encode() + pack_number(len(payload)) + payload
    return data + zlib.crc32(data).to_bytes(4, "little")


def read_chunk(cursor: Cursor) -> Chunk:
    """The next chunk: Truncated where it is not all there, Corrupt where it is damaged."""
    start = cursor.position
    kind = chr(cursor.take(1)[0])
    if kind not in ascii_letters:
        raise Corrupt(f"no chunk at byte {start}")
    num_bytes = cursor.number(MAX_PAYLOAD)
    position = cursor.position
    payload = cursor.take(num_bytes)
    crc = zlib.crc32(cursor.data[start : cursor.position])
    if crc != int.from_bytes(cursor.take(4), "little"):
        raise Corrupt(f"chunk '{kind}' at byte {start} is damaged")
    return Chunk(kind, payload, position)
