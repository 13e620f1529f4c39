"""From bytes and distributions to symbols.

docs/format.md, "Probabilities" and "Streams". Python's integers have no size, so each formula
stands as it does there.
"""

import math
import zlib
from typing import NamedTuple

import numpy as np

from .reader import Reader, Refused, require

PHI = [round(2**30 * (math.erfc((8 - i / 128) / math.sqrt(2)) / 2)) for i in range(2049)]
INVERSE = [round(2**26 / 2 ** ((r - 84) / 18)) for r in range(256)]
assert zlib.crc32(np.array(PHI, "<i4").tobytes()) == 0x0D9DB6FC
assert zlib.crc32(np.array(INVERSE, "<i4").tobytes()) == 0x3DFFE690

NUM_SYMBOLS = 4096


class Mixture(NamedTuple):
    """How a symbol is distributed: K Gaussians."""

    means: list[int]
    """In units of 1/64."""
    rungs: list[int]
    """0..255 each."""
    weights: list[int]
    """Their sum is 2^15."""

    @property
    def low(self) -> int:
        """The lowest of the 4096 symbols that the CDF covers."""
        total = sum(w * m for w, m in zip(self.weights, self.means, strict=True))
        return ((total + 2**20) >> 21) - NUM_SYMBOLS // 2

    @property
    def rounded_mean(self) -> int:
        """What is shown of a symbol that is not there yet."""
        return self.low + NUM_SYMBOLS // 2

    def cdf(self, x: int) -> int:
        """The probability of symbols below x, in units of 2^-30."""
        low = self.low
        if x <= low:
            return 0
        if x >= low + NUM_SYMBOLS:
            return 2**30
        total = 0
        for mean, rung, weight in zip(*self, strict=True):
            a = (64 * x - 32 - mean) * INVERSE[rung] + 2**35
            a = min(max(a, 0), 2**36 - 1)
            i, f = a >> 25, a % 2**25
            total += weight * (PHI[i] + ((PHI[i + 1] - PHI[i]) * f >> 25))
        return ((2**30 - 4096) * (total >> 12) >> 33) + (x - low)

    def find(self, t: int) -> tuple[int, int, int]:
        """The symbol that holds the probability t, its start and its frequency."""
        first, last = self.low, self.low + NUM_SYMBOLS - 1
        while first < last:
            middle = (first + last + 1) // 2
            if self.cdf(middle) <= t:
                first = middle
            else:
                last = middle - 1
        start = self.cdf(first)
        return first, start, self.cdf(first + 1) - start


class Stream:
    """Decodes the stream of a window, which may arrive in parts."""

    def __init__(self, data: bytes) -> None:
        require(len(data) >= 5, "a stream is shorter than its state")
        self.words = Reader(data)
        state = self.words.take(5 + (len(data) - 5) % 4)
        require(state[-1] != 0, "a state has a zero on top")
        self.state = int.from_bytes(state, "little")

    def add(self, part: bytes) -> None:
        """Go on with the part of the next layer."""
        self.check_used_up()
        self.words = Reader(part)

    def check_used_up(self) -> None:
        """The symbols of a layer leave no byte of its part."""
        require(self.words.num_left == 0, "bytes are left of a stream")

    def check_end(self) -> None:
        """The state after the last symbol is the one that the encoder began with."""
        self.check_used_up()
        require(self.state == 2**32, "a stream ends in a wrong state")

    def symbol(self, mixture: Mixture) -> int:
        """The next symbol."""
        x, start, freq = mixture.find(self.state % 2**30)
        self.pop(start, freq)
        low, high = mixture.low, mixture.low + NUM_SYMBOLS - 1
        if x == low:
            x -= self.excess()
        elif x == high:
            x += self.excess()
        if not -(2**31) <= x < 2**31:
            raise Refused(f"symbol {x} is out of range")
        return x

    def pop(self, start: int, freq: int) -> None:
        """Take a symbol off the state."""
        self.state = freq * (self.state >> 30) + self.state % 2**30 - start
        if self.state < 2**32:
            self.state = (self.state << 32) + self.words.integer(4)

    def bits(self, num: int) -> int:
        """Uniformly distributed bits."""
        if num == 0:
            return 0
        freq = 2 ** (30 - num)
        value = self.state % 2**30 // freq
        self.pop(value * freq, freq)
        return value

    def excess(self) -> int:
        """How far beyond an end of the CDF a symbol lies."""
        num = self.bits(5)
        upper = self.bits(max(num - 16, 0))
        lower = self.bits(min(num, 16))
        return (1 << num | upper << min(num, 16) | lower) - 1
