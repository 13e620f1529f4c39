"""Strips: runs of consecutive windows, each a chunk, so that large images pass through in parts."""

from dataclasses import dataclass

from ..errors import Corrupt
from .chunks import Chunk, pack_chunk
from .cursor import Cursor, pack_number

STRIP, LAST_STRIP = "S", "L"


@dataclass(frozen=True, slots=True)
class Strip:
    """The entropy-coded streams of consecutive windows, and a checksum of what they decode to."""

    windows: list[bytes]
    """One stream per window, windows in raster order."""
    latents_crc: int
    """CRC-32 of the windows' latents: int32, little-endian, see docs/format.md."""

    def pack(self, last: bool) -> bytes:
        """The chunk. The last strip is the last chunk, and ends the file."""
        assert self.windows, "a strip has at least one window"
        payload = b"".join(
            [
                self.latents_crc.to_bytes(4, "little"),
                pack_number(len(self.windows)),
                pack_streams(self.windows),
            ]
        )
        return pack_chunk(LAST_STRIP if last else STRIP, payload)


def pack_streams(streams: list[bytes]) -> bytes:
    """The lengths of all streams but the last, which the chunk's tells; then the streams."""
    return b"".join([*(pack_number(len(stream)) for stream in streams[:-1]), *streams])


def take_streams(cursor: Cursor, count: int) -> list[bytes]:
    """So many streams, up to the cursor's end; Corrupt unless all lengths agree."""
    start = cursor.origin + cursor.position
    if not 1 <= count <= cursor.num_bytes_left + 1:
        raise Corrupt(f"chunk at byte {start} cannot hold {count} windows")
    lengths = [cursor.number(len(cursor.data)) for _ in range(count - 1)]
    lengths.append(cursor.num_bytes_left - sum(lengths))
    if lengths[-1] < 0:
        raise Corrupt(f"windows overrun their chunk at byte {start}")
    return [bytes(cursor.take(length)) for length in lengths]


def parse_strip(chunk: Chunk, max_windows: int) -> Strip:
    """A strip of at most `max_windows` from its chunk; Corrupt unless all lengths agree."""
    cursor = Cursor(chunk.payload, chunk.position)
    if cursor.num_bytes_left < 5:
        raise Corrupt(f"chunk at byte {chunk.position} is too short for a strip")
    latents_crc = int.from_bytes(cursor.take(4), "little")
    return Strip(take_streams(cursor, cursor.number(max_windows)), latents_crc)
