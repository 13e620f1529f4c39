"""A whole .m2t file: what is in it, and the way to bytes and back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from ..errors import ConfigError, Corrupt, Truncated, UnsupportedVersion
from .chunks import Chunk, pack_chunk, read_chunk
from .cursor import Cursor
from .header import LAYERS, LOSSLESS, STRIPS, Header, read_header
from .layers import LAYER, Layer, Plan, pack_layers, parse_layer
from .metadata import DEFLATED, NAMES, inflated, pack_metadata
from .strip import LAST_STRIP, STRIP, Strip, parse_strip
from .tiles import TILE, boxes, pack_tile, parse_tile

ALPHA = "A"
_BODIES = {STRIPS: (STRIP, LAST_STRIP), LAYERS: (LAYER,), LOSSLESS: (TILE,)}
"""Version -> the chunks that have the pixels."""
FIRST_READ = 4096
"""Bytes in which header and metadata are looked for at first."""
_STRIDE = 16  # a token stands for 16x16 pixels


@dataclass
class Bitstream:
    """The content of a file."""

    header: Header
    strips: list[Strip]
    """Together, all windows in raster order; none where there are layers or tiles."""
    metadata: dict[str, bytes] = field(default_factory=dict)
    """What belongs to the picture, by the keys of image/metadata.py; other ancillary chunks, as
    they are, by their letter."""
    deflated: bool = field(default=False, compare=False, kw_only=True)
    """Whether metadata were read that are deflated together: that is there once."""
    alpha: bytes | None = None
    """The image's opacity as an 8-bit grey PNG of the same size."""
    layers: list[Layer] = field(default_factory=list)
    """Of a file of version LAYERS: those that are there."""
    steps: tuple[int, ...] = ()
    """How many steps of the schedule each layer brings, those included that are not there."""
    tiles: list[bytes] = field(default_factory=list)
    """Of a file of version LOSSLESS: see tiles.py."""
    num_bytes: int = field(default=0, compare=False)
    """Of the whole file, as its first layer says."""
    ends: list[int] = field(default_factory=list, compare=False)
    """The bytes of the file up to the end of each layer that was read."""
    damage: list[str] = field(default_factory=list, compare=False)
    """Of a file that was salvaged: what is wrong with it (damaged.py)."""
    damaged: list[int] = field(default_factory=list, compare=False)
    """Which of the strips or layers that may be."""
    ended: bool = field(default=False, compare=False)
    """The last strip is there."""

    @property
    def incomplete(self) -> bool:
        """Whether there are more layers than are here."""
        return len(self.layers) < len(self.steps)

    @property
    def windows(self) -> list[bytes]:
        """The streams of all windows, in raster order, as far as they are there."""
        if self.layers:
            parts = [layer.parts for layer in self.layers]
            return [b"".join(its) for its in zip(*parts, strict=True)]
        return [window for strip in self.strips for window in strip.windows]

    @property
    def max_windows(self) -> int:
        """How many an image of this size can have: each has at least one token."""
        columns, rows = -(-self.header.width // _STRIDE), -(-self.header.height // _STRIDE)
        return columns * rows

    def pack(self) -> bytes:
        """The file."""
        if self.header.version == LAYERS:
            return b"".join([self.pack_head(), *pack_layers(self.layers, self.steps)])
        if self.header.version == LOSSLESS:
            return b"".join([self.pack_head(), *map(pack_tile, self.tiles)])
        return b"".join([self.pack_head(), *self._packed_strips()])

    def pack_head(self) -> bytes:
        """Everything before the tokens or tiles, for who writes strips one by one (Strip.pack)."""
        parts = [self.header.pack(), pack_metadata(self.metadata)]
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
    """All that comes before the tokens, which are not read: the result has none.

    Raises FormatError.
    """
    data = b""
    while True:
        more = file.read(max(FIRST_READ, len(data)))
        data += more
        try:
            return _parse_head(Cursor(data))
        except Truncated:
            if not more:
                raise


def _parse_head(cursor: Cursor) -> Bitstream:
    """All before the tokens; leaves the cursor there."""
    bitstream = Bitstream(read_header(cursor), [])
    while read_head_chunk(cursor, bitstream):
        pass
    return bitstream


def read_head_chunk(cursor: Cursor, bitstream: Bitstream) -> bool:
    """Read a chunk before the tokens; False where the tokens begin, and the cursor stays."""
    if cursor.peek() in _BODIES[bitstream.header.version]:
        return False
    take_chunk(bitstream, read_chunk(cursor))
    return True


def parse_whole(data: bytes, *, upto: int | None = None, partial: bool = False) -> Bitstream:
    """The content of a file, every checksum of what is read verified. Raises FormatError.

    Args:
        upto: so many layers are enough: what follows them is not read.
        partial: where a file ends too early, take the layers that are whole, if there is one.
    """
    if upto is not None and upto < 1:
        raise ConfigError(f"upto must be at least 1, not {upto}")
    cursor = Cursor(data)
    bitstream = _parse_head(cursor)
    if bitstream.header.version == LAYERS:
        _read_layers(cursor, bitstream, upto, partial)
        return bitstream
    (_read_tiles if bitstream.header.lossless else _read_strips)(cursor, bitstream)
    return bitstream


def _read_strips(cursor: Cursor, bitstream: Bitstream) -> None:
    max_windows, last = bitstream.max_windows, False
    while not last:
        chunk = read_chunk(cursor)
        last = chunk.kind == LAST_STRIP
        if not last and chunk.kind != STRIP:
            raise misplaced(chunk)
        strip = parse_strip(chunk, max_windows)
        max_windows -= len(strip.windows)
        bitstream.strips.append(strip)
    _check_end(cursor)


def _read_tiles(cursor: Cursor, bitstream: Bitstream) -> None:
    for box in boxes(bitstream.header.width, bitstream.header.height):
        bitstream.tiles.append(parse_tile(read_chunk(cursor), box))
    _check_end(cursor)


def _read_layers(cursor: Cursor, bitstream: Bitstream, upto: int | None, partial: bool) -> None:
    try:
        while not read_layer(cursor, bitstream):
            if len(bitstream.layers) == upto:
                break
    except Truncated:
        if not (partial and bitstream.layers):
            raise
        if len(cursor.data) >= bitstream.num_bytes:  # all is there: a length is wrong
            raise Corrupt(f"no layer at byte {cursor.position} as there should be") from None


def read_layer(cursor: Cursor, bitstream: Bitstream) -> bool:
    """Read the next layer; whether it was the last one, which the file must end with."""
    layers, header = bitstream.layers, bitstream.header
    plan = Plan(bitstream.steps, len(layers[0].parts), 0) if layers else None
    chunk = read_chunk(cursor)
    layer, plan = parse_layer(chunk, len(layers), plan, header.steps, bitstream.max_windows)
    if not layers:
        bitstream.steps, bitstream.num_bytes = plan.steps, cursor.position + plan.num_bytes
    layers.append(layer)
    bitstream.ends.append(cursor.position)
    if len(layers) < len(bitstream.steps):
        return False
    if cursor.position != bitstream.num_bytes:
        raise Corrupt(f"ends at byte {cursor.position}, not {bitstream.num_bytes} as it should")
    _check_end(cursor)
    return True


def _check_end(cursor: Cursor) -> None:
    if cursor.num_bytes_left:
        raise Corrupt(f"{cursor.num_bytes_left} bytes follow the end at byte {cursor.position}")


def misplaced(chunk: Chunk) -> Corrupt:
    """The error for a chunk where none of its kind may be."""
    return Corrupt(f"misplaced chunk '{chunk.kind}' before byte {chunk.position}")


def take_chunk(bitstream: Bitstream, chunk: Chunk) -> None:
    """Add a chunk of those before the tokens, each kind once."""
    if chunk.kind == DEFLATED:
        if bitstream.deflated:
            raise misplaced(chunk)
        bitstream.deflated = True
        for one in inflated(chunk):
            take_chunk(bitstream, one)
        return
    name = NAMES.get(chunk.kind, chunk.kind)
    known = bitstream.alpha is not None if chunk.kind == ALPHA else name in bitstream.metadata
    if known:
        raise misplaced(chunk)
    if chunk.kind == ALPHA:
        bitstream.alpha = bytes(chunk.payload)
    elif chunk.kind.islower():
        bitstream.metadata[name] = bytes(chunk.payload)
    else:
        raise UnsupportedVersion(f"chunk '{chunk.kind}' needs a newer version of m2t")
