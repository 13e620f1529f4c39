"""Reading bytes in order, none of them past the end; and the numbers that both sides use."""

from ..errors import Corrupt, LimitExceeded, Truncated


class Cursor:
    """A position in a buffer. `origin` is where the buffer begins in the file, for messages."""

    def __init__(self, data: bytes | memoryview, origin: int = 0) -> None:
        self.data = memoryview(data)
        self.origin = origin
        self.position = 0

    @property
    def num_bytes_left(self) -> int:
        """Bytes between here and the end."""
        return len(self.data) - self.position

    def take(self, num_bytes: int) -> memoryview:
        """The next bytes, not copied; Truncated where there are fewer."""
        if num_bytes > self.num_bytes_left:
            raise Truncated(f"truncated at byte {self.origin + len(self.data)}")
        part = self.data[self.position : self.position + num_bytes]
        self.position += num_bytes
        return part

    def peek(self) -> str:
        """The next byte as a character, which stays; Truncated where there is none."""
        kind = chr(self.take(1)[0])
        self.position -= 1
        return kind

    def number(self, limit: int) -> int:
        """A number of at most `limit`, as pack_number() writes it; else LimitExceeded."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if value > limit:
                raise LimitExceeded(f"{value} exceeds the limit of {limit}{self._where()}")
            if byte < 0x80:
                break
            if shift > limit.bit_length():
                raise Corrupt(f"number does not end{self._where()}")
        if byte == 0 and shift > 7:
            raise Corrupt(f"number is longer than necessary{self._where()}")
        return value

    def _where(self) -> str:
        return f" at byte {self.origin + self.position - 1}"


def pack_number(value: int) -> bytes:
    """LEB128: seven bits to a byte, lowest first, the top bit set in all bytes but the last."""
    assert value >= 0
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
