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
        lengths = [len(window) for window in self.windows[:-1]]  # the chunk's tells the last one's
        payload = b"".join(
            [
                self.latents_crc.to_bytes(4, "little"),
                pack_number(len(self.windows)),
                *map(pack_number, lengths),
                *self.windows,
            ]
        )
        return pack_chunk(LAST_STRIP if last else STRIP, payload)


def parse_strip(chunk: Chunk, max_windows: int) -> Strip:
    """A strip of at most `max_windows` from its chunk; Corrupt unless all lengths agree."""
    cursor = Cursor(chunk.payload, chunk.position)
    if cursor.num_bytes_left < 5:
        raise Corrupt(f"chunk at byte {chunk.position} is too short for a strip")
    latents_crc = int.from_bytes(cursor.take(4), "little")
    num_windows = cursor.number(max_windows)
    if not 1 <= num_windows <= cursor.num_bytes_left + 1:
        raise Corrupt(f"strip at byte {chunk.position} cannot hold {num_windows} windows")
    lengths = [cursor.number(len(chunk.payload)) for _ in range(num_windows - 1)]
    lengths.append(cursor.num_bytes_left - sum(lengths))
    if lengths[-1] < 0:
        raise Corrupt(f"windows overrun their strip at byte {chunk.position}")
    return Strip([bytes(cursor.take(length)) for length in lengths], latents_crc)
