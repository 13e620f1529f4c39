"""Bytes read from the front to the back, and the one error of this decoder."""

from collections.abc import Sequence

import numpy as np


class Refused(Exception):
    """What docs/format.md does not describe."""


def require(condition: bool, otherwise: str) -> None:
    """Refuse a file unless a condition holds."""
    if not condition:
        raise Refused(otherwise)


class Reader:
    """Takes bytes from the front of some data."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    @property
    def num_left(self) -> int:
        return len(self.data) - self.place

    def take(self, num_bytes: int) -> bytes:
        require(num_bytes <= self.num_left, "the data end too early")
        self.place += num_bytes
        return self.data[self.place - num_bytes : self.place]

    def integer(self, num_bytes: int) -> int:
        """A little-endian integer of a fixed size."""
        return int.from_bytes(self.take(num_bytes), "little")

    def number(self, low: int, high: int) -> int:
        """A LEB128 number in low..high: seven bits to a byte, lowest first."""
        value, shift = 0, 0
        while True:
            byte = self.integer(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                require(byte > 0 or shift == 0, "a number is longer than it needs to be")
                require(low <= value <= high, f"{value} is not in {low}..{high}")
                return value
            shift += 7
            require(shift < 64, "a number is too long")

    def rest(self) -> bytes:
        return self.take(self.num_left)


def crc16(data: bytes) -> int:
    """CRC-16 "CCITT-FALSE": 0x29B1 for "123456789"."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def as_int32(symbols: Sequence[int] | np.ndarray) -> bytes:
    """Symbols as the checksums see them: int32, little-endian."""
    return np.asarray(symbols, "<i4").tobytes()
