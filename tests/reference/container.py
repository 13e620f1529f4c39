"""The container: from the bytes of a file to its header, its chunks and the streams of its windows.

docs/format.md, "Container". Nothing here knows a model; nothing is decoded yet.
"""

import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

from .reader import Reader, Refused, crc16, require

SIGNATURE = b"\x89m2t"
MAX_PIXELS = 2**30
MAX_CHUNK = 2**31
MAX_INFLATED = 2**24
ORDERS = ("qlds", "random", "raster", "entropy")
GREY, EYE = 1, 2
TILE_SIDE = 4096


class Header(NamedTuple):
    """The fields of the header, in their order."""

    version: int
    model_id: bytes
    width: int
    height: int
    quality: int
    steps: int
    alpha: int
    """In tenths."""
    order: str
    seed: int
    grey: bool
    eye: bool

    @property
    def aim(self) -> int:
        """The row of tables that have one for each aim: 100 for PSNR, then 100 for the eye."""
        return self.quality - 1 + 100 * self.eye


class Strip(NamedTuple):
    """Version 1: some windows, each with its whole stream."""

    latents_crc: int
    streams: list[bytes]


class Layer(NamedTuple):
    """Version 2: some steps of all windows, each with a part of its stream."""

    latents_crc: int
    num_steps: int
    parts: list[bytes]


@dataclass
class File:
    """What a file has: strips or layers, and what lies around them."""

    header: Header
    chunks: dict[str, bytes] = field(default_factory=dict)
    """Metadata and opacity by type."""
    strips: list[Strip] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    tiles: list[bytes] = field(default_factory=list)


def parse(data: bytes) -> File:
    """Read a whole file."""
    reader = Reader(data)
    file = File(read_header(reader))
    {1: read_strips, 2: read_layers, 3: read_tiles}[file.header.version](reader, file)
    require(reader.num_left == 0, "bytes follow the last chunk")
    return file


def read_header(reader: Reader) -> Header:
    """Signature to CRC-16."""
    require(reader.take(4) == SIGNATURE, "not an .m2t file")
    version = reader.integer(1)
    require(version in {1, 2, 3}, f"version {version} of the format is not described")
    model_id, steps, alpha, order, seed = b"", 0, 0, 0, 0
    if version != 3:
        model_id = reader.take(8)
    width, height = (reader.number(1, 65535) for _ in range(2))
    require(width * height <= MAX_PIXELS, "too many pixels")
    quality = reader.number(1, 100)
    if version != 3:
        steps, alpha = reader.number(1, 65535), reader.number(1, 255)
        order, seed = reader.number(0, 3), reader.number(0, 255)
    flags = reader.number(0, 3)
    expected = crc16(reader.data[: reader.place])
    require(reader.integer(2) == expected, "the header's CRC is wrong")
    grey, eye = bool(flags & GREY), bool(flags & EYE)
    shape = (width, height, quality, steps, alpha)
    return Header(version, model_id, *shape, ORDERS[order], seed, grey, eye)


def read_chunk(reader: Reader) -> tuple[str, bytes]:
    """Type and payload of the next chunk."""
    start = reader.place
    kind = reader.take(1).decode("latin-1")
    require(kind.isascii() and kind.isalpha(), f"a chunk of type {kind!r}")
    payload = reader.take(reader.number(0, MAX_CHUNK))
    expected = zlib.crc32(reader.data[start : reader.place])
    require(reader.integer(4) == expected, f"the CRC of chunk {kind} is wrong")
    return kind, payload


def read_metadata(reader: Reader, file: File, first: str) -> tuple[str, bytes]:
    """All chunks before the first one whose type is in `first`, which is returned."""
    while True:
        kind, payload = read_chunk(reader)
        if kind in first:
            return kind, payload
        require(kind.islower() or kind == "A", f"chunk {kind} is not known, and has to be")
        for one, data in {kind: payload, **(inflate(payload) if kind == "m" else {})}.items():
            require(one not in file.chunks, f"chunk {one} comes twice")
            file.chunks[one] = data


def inflate(payload: bytes) -> dict[str, bytes]:
    """The items of deflated metadata, the payload of `m`."""
    inflater = zlib.decompressobj(-15)
    try:
        reader = Reader(inflater.decompress(payload, MAX_INFLATED + 1))
    except zlib.error as error:
        raise Refused("metadata do not inflate") from error
    require(reader.num_left <= MAX_INFLATED, "metadata inflate to too much")
    require(inflater.eof and not inflater.unused_data, "deflated metadata end elsewhere")
    items: dict[str, bytes] = {}
    while reader.num_left:
        kind = reader.take(1).decode("latin-1")
        require("a" <= kind <= "z" and kind != "m", f"an item of type {kind!r}")
        require(kind not in items, f"item {kind} comes twice")
        items[kind] = reader.take(reader.number(0, MAX_INFLATED))
    return items


def read_strips(reader: Reader, file: File) -> None:
    """The rest of a file of version 1."""
    kind, payload = read_metadata(reader, file, "SL")
    file.strips.append(read_strip(payload))
    while kind == "S":
        kind, payload = read_chunk(reader)
        require(kind in "SL", f"chunk {kind} stands among strips")
        file.strips.append(read_strip(payload))


def read_strip(payload: bytes) -> Strip:
    """The payload of `S` or `L`."""
    reader = Reader(payload)
    latents_crc = reader.integer(4)
    num_windows = reader.number(1, len(payload))
    return Strip(latents_crc, read_pieces(reader, num_windows))


def read_pieces(reader: Reader, num: int) -> list[bytes]:
    """Lengths of all pieces but the last, then the pieces; the last one fills the chunk."""
    lengths = [reader.number(0, MAX_CHUNK) for _ in range(num - 1)]
    return [reader.take(length) for length in lengths] + [reader.rest()]


def read_layers(reader: Reader, file: File) -> None:
    """The rest of a file of version 2."""
    _, payload = read_metadata(reader, file, "P")
    layer = Reader(payload)
    layer.number(0, 0)
    num_layers = layer.number(2, file.header.steps)
    steps = [layer.number(1, file.header.steps) for _ in range(num_layers)]
    require(sum(steps) == file.header.steps, "the layers do not have all steps")
    num_windows = layer.number(1, len(payload))
    num_bytes = layer.number(0, 2**63)
    require(num_bytes == reader.num_left, "the file is not as long as it says")
    for i, num_steps in enumerate(steps):
        if i > 0:
            kind, payload = read_chunk(reader)
            require(kind == "P", f"chunk {kind} stands among layers")
            layer = Reader(payload)
            layer.number(i, i)
        crc = layer.integer(4)
        file.layers.append(Layer(crc, num_steps, read_pieces(layer, num_windows)))


def read_tiles(reader: Reader, file: File) -> None:
    """The rest of a file of version 3."""
    kind, payload = read_metadata(reader, file, "W")
    for i, (_, _, height, width) in enumerate(tiles(file.header)):
        if i > 0:
            kind, payload = read_chunk(reader)
        bits = int.from_bytes(payload[1:5], "little")
        require(kind == "W" and payload[:1] == b"\x2f", "no tile stands where one should")
        require(bits == width - 1 | (height - 1) << 14, "a tile has another size or opacity")
        file.tiles.append(payload)


def tiles(header: Header) -> list[tuple[int, int, int, int]]:
    """Top, left, height and width of each tile in pixels, in raster order."""
    return [
        (y, x, min(TILE_SIDE, header.height - y), min(TILE_SIDE, header.width - x))
        for y in range(0, header.height, TILE_SIDE)
        for x in range(0, header.width, TILE_SIDE)
    ]
