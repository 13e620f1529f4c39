"""The coder's inner loops in Python: what runs where the C twin (core/rans.c) could not be built.

Same calls, same bytes, about a hundred times slower. rANS is a stack: to push a symbol of
probability freq / 2^30 turns `state` into (state / freq) * 2^30 + state % freq + start, which is
undone exactly by popping. Words of 32 bits are moved out and in to keep state within 2^32..2^64.
"""

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from .gaussians import PROBABILITY_BITS, SPAN, Mixture, cdf, check_values, intervals, lowest
from .tables import Tables

OK, TRUNCATED, CORRUPT = range(3)

_MASK = (1 << PROBABILITY_BITS) - 1
_BLOCK = 4096
"""Symbols decoded at a time: bounds the memory of their candidates."""
_CANDIDATES = np.arange(-8, 9)[:, None]
_COVERED = np.arange(SPAN + 1)[:, None]


def encode(symbols: NDArray, model: tuple[NDArray, ...], state: int) -> tuple[bytes, int]:
    """Push int32 symbols (n,), the last first. Returns the words moved out, and the new state."""
    mixture, tables = Mixture(*model[:3]), Tables(*model[3:])
    check_values(mixture)
    block = intervals(mixture, tables, symbols)
    excesses = block.excesses
    words = []

    def push(start: int, freq: int) -> None:
        nonlocal state
        if state >> 64 - PROBABILITY_BITS >= freq:
            words.append(state & 0xFFFFFFFF)
            state >>= 32
        state = (state // freq << PROBABILITY_BITS) + state % freq + start

    def push_bits(value: int, num_bits: int) -> None:
        if num_bits:
            push(value << PROBABILITY_BITS - num_bits, 1 << PROBABILITY_BITS - num_bits)

    starts, freqs = block.starts.tolist(), block.freqs.tolist()
    for i in reversed(range(len(starts))):
        if i in excesses:
            value = excesses[i] + 1
            num_bits = value.bit_length() - 1  # those below the leading one
            num_high = max(num_bits - 16, 0)
            num_low = num_bits - num_high
            value -= 1 << num_bits
            push_bits(value & (1 << num_low) - 1, num_low)
            push_bits(value >> num_low, num_high)
            push_bits(num_bits, 5)
        push(starts[i], freqs[i])
    return np.array(words[::-1], dtype="<u4").tobytes(), state


def decode(
    data: bytes, position: int, state: int, symbols: NDArray, model: tuple[NDArray, ...]
) -> tuple[int, int, int]:
    """Pop into `symbols` (n,) int32, reading from data[position:]; (status, position, state)."""
    mixture, tables = Mixture(*model[:3]), Tables(*model[3:])
    check_values(mixture)
    reader = _Reader(data, position, state)
    status = OK
    for first in range(0, len(symbols), _BLOCK):
        part = slice(first, first + _BLOCK)
        status = _decode_block(reader, symbols[part], mixture.rows(part), tables)
        if status != OK:
            break
    return status, reader.position, reader.state


class _Reader:
    def __init__(self, data: bytes, position: int, state: int) -> None:
        self.data, self.position, self.state = data, position, state

    def pop(self, start: int, freq: int) -> None:
        """Raises EOFError where the data end."""
        self.state = freq * (self.state >> PROBABILITY_BITS) + (self.state & _MASK) - start
        if self.state < 1 << 32:
            word = self.data[self.position : self.position + 4]
            if len(word) < 4:
                raise EOFError
            self.state = self.state << 32 | int.from_bytes(word, "little")
            self.position += 4

    def pop_bits(self, num_bits: int) -> int:
        if num_bits == 0:
            return 0
        value = (self.state & _MASK) >> PROBABILITY_BITS - num_bits
        self.pop(value << PROBABILITY_BITS - num_bits, 1 << PROBABILITY_BITS - num_bits)
        return value

    def pop_excess(self) -> int:
        num_bits = self.pop_bits(5)
        num_high = max(num_bits - 16, 0)
        num_low = num_bits - num_high
        high = self.pop_bits(num_high)
        return (1 << num_bits) + (high << num_low) + self.pop_bits(num_low) - 1


def _decode_block(reader: _Reader, symbols: NDArray, mixture: Mixture, tables: Tables) -> int:
    lows = lowest(mixture)
    nearest = lows + SPAN // 2 + _CANDIDATES
    candidates = cdf(mixture, tables, nearest).T.tolist()
    for i, low in enumerate(lows.tolist()):
        target = reader.state & _MASK
        first, edges = low + SPAN // 2 + int(_CANDIDATES[0, 0]), candidates[i]
        if not edges[0] <= target < edges[-1]:  # all of the CDF, then
            row = mixture.rows(slice(i, i + 1))
            first, edges = low, cdf(row, tables, low + _COVERED)[:, 0].tolist()
        j = bisect_right(edges, target) - 1
        x = first + j
        try:
            reader.pop(edges[j], edges[j + 1] - edges[j])
            if x == low:
                x -= reader.pop_excess()
            elif x == low + SPAN - 1:
                x += reader.pop_excess()
        except EOFError:
            return TRUNCATED
        if not -(1 << 31) <= x < 1 << 31:
            return CORRUPT
        symbols[i] = x
    return OK
