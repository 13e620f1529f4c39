"""Tiles: squares of a picture that is kept without loss, each coded as a lossless WebP file has it.

What a tile holds is the bitstream VP8L (RFC 9649): the payload of the chunk of that name in a WebP
file, without the file around it. Its first five bytes tell its size.
"""

from typing import NamedTuple

from ..errors import Corrupt
from .chunks import Chunk, pack_chunk

TILE = "W"
TILE_SIDE = 4096
"""Pixels along a side of a tile; fewer at the right and at the bottom of a picture."""
_SIGNATURE = 0x2F
_SIDE_BITS = 14
_HEAD = 5
"""Bytes: the signature, width - 1 and height - 1 in 14 bits each, whether there is opacity, which
the container has instead, and three bits of a version, which is 0."""


class Box(NamedTuple):
    """The pixels of a tile."""

    top: int
    left: int
    height: int
    width: int


def boxes(width: int, height: int) -> list[Box]:
    """The tiles of a picture of that size, in raster order."""
    return [
        Box(top, left, min(TILE_SIDE, height - top), min(TILE_SIDE, width - left))
        for top in range(0, height, TILE_SIDE)
        for left in range(0, width, TILE_SIDE)
    ]


def pack_tile(data: bytes) -> bytes:
    """The chunk of a tile."""
    return pack_chunk(TILE, data)


def parse_tile(chunk: Chunk, box: Box) -> bytes:
    """What a chunk holds of the tile in that place. Corrupt unless it says that it has its size."""
    if chunk.kind != TILE:
        raise Corrupt(f"misplaced chunk '{chunk.kind}' before byte {chunk.position}")
    data = bytes(chunk.payload)
    bits = int.from_bytes(data[1:_HEAD], "little")
    if len(data) < _HEAD or data[0] != _SIGNATURE or bits >> 2 * _SIDE_BITS:
        raise Corrupt(f"no lossless tile at byte {chunk.position}")
    mask = (1 << _SIDE_BITS) - 1
    width, height = (bits & mask) + 1, (bits >> _SIDE_BITS & mask) + 1
    if (width, height) != (box.width, box.height):
        wanted = f"not {box.width}x{box.height}"
        raise Corrupt(f"tile at byte {chunk.position} is {width}x{height} pixels, {wanted}")
    return data
