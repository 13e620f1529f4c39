"""Asymmetric numeral systems (rANS): symbols to bytes and back, one stream per Encoder.

State of 64 bits, words of 32, probabilities of 30. rANS is last in, first out, so the encoder
keeps its symbols until finish() and codes them from the last to the first; the decoder then reads
forward, and the first bytes of a stream suffice for its first symbols.
"""

from types import ModuleType
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..engine import native
from ..errors import Corrupt, Truncated
from . import reference as _rans_py
from .gaussians import PROBABILITY_BITS, Mixture, check, intervals
from .tables import tables

DEFAULT_KERNEL: ModuleType = native if native.core else _rans_py

# Where the state starts, and where the decoder finds it again at the end of an intact stream: any
# difference between the two sides' mixtures or symbols gets past that check once in 2^32.
INITIAL_STATE = 1 << 32

_ALL = slice(None)


Result_co = TypeVar("Result_co", covariant=True)


class Coder(Protocol[Result_co]):
    """What encoder, decoder and rate counter have in common, so that one loop serves all."""

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """The block's symbols (n,), given (all but the decoder) or found; mixture of n rows."""
        ...

    def finish(self) -> Result_co:
        """All symbols are coded: the encoder's bytes, the counter's bits."""
        ...


class Encoder:
    """Symbols to bytes. Blocks are kept, not copied: leave them as they are until finish()."""

    def __init__(self, kernel: ModuleType = DEFAULT_KERNEL) -> None:
        self._kernel = kernel
        self._blocks: list[tuple[NDArray[np.int32], Mixture]] = []

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """Append int32 symbols (n,); returns them. Any int32 can be coded."""
        symbols = _given(symbols, mixture)
        self._blocks.append((symbols, mixture.rows(_ALL)))
        return symbols

    def finish(self) -> bytes:
        """The stream: the state in 5 to 8 bytes, then the words in the order of reading."""
        return b"".join(self.pieces())

    def pieces(self) -> list[bytes]:
        """The stream cut: the state, then for each block what reading its symbols takes."""
        state, pieces = INITIAL_STATE, []
        for symbols, mixture in reversed(self._blocks):
            words, state = self._kernel.encode(symbols, (*mixture, *tables()), state)
            pieces.append(words)
        pieces.append(state.to_bytes((state.bit_length() + 7) // 8, "little"))
        return pieces[::-1]


class Decoder:
    """Bytes to symbols.

    `data` is a stream or its first bytes; in the latter case `num_bytes` is the length of the
    whole, which tells how long the state is.
    """

    def __init__(
        self, data: bytes, num_bytes: int | None = None, kernel: ModuleType = DEFAULT_KERNEL
    ) -> None:
        num_bytes = len(data) if num_bytes is None else num_bytes
        size = 5 + (num_bytes - 5) % 4
        if num_bytes < 5 or len(data) < size:
            raise Truncated(f"entropy-coded stream ends after {len(data)} bytes")
        self._state = int.from_bytes(data[:size], "little")
        if self._state >> 8 * (size - 1) == 0:
            raise Corrupt("entropy-coded stream starts with an impossible state")
        self._data, self._position, self._kernel = data, size, kernel

    @property
    def num_bytes_read(self) -> int:
        """The bytes that the symbols so far have needed, from the start."""
        return self._position

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """The next symbols (n,), one per row of the mixture. `symbols` must be None.

        Raises Truncated where the data end first, Corrupt for a symbol beyond int32.
        """
        assert symbols is None, "a decoder is not told the symbols"
        check(mixture)
        symbols = np.empty(len(mixture.means), dtype=np.int32)
        model = (*mixture.rows(_ALL), *tables())
        status, self._position, self._state = self._kernel.decode(
            self._data, self._position, self._state, symbols, model
        )
        if status == _rans_py.TRUNCATED:
            raise Truncated(f"entropy-coded stream ends after {len(self._data)} bytes")
        if status == _rans_py.CORRUPT:
            raise Corrupt("entropy-coded symbol is out of range")
        return symbols

    def finish(self) -> None:
        """Raise Corrupt unless the stream ends here, as it does when all went well."""
        if self._position != len(self._data) or self._state != INITIAL_STATE:
            raise Corrupt("entropy-coded stream does not end where its symbols do")


class Counter:
    """The ideal length of a stream, in bits, under the very probabilities that code it."""

    def __init__(self) -> None:
        self.bits = 0.0

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """Add the cost of int32 symbols (n,); returns them."""
        symbols = _given(symbols, mixture)
        self.bits += float(symbol_bits(symbols, mixture).sum())
        return symbols

    def finish(self) -> float:
        """The bits of all symbols."""
        return self.bits


def symbol_bits(symbols: NDArray[np.int32], mixture: Mixture) -> NDArray[np.float64]:
    """(n,) the cost of each symbol in bits, under the very probabilities that code it."""
    block = intervals(mixture, tables(), symbols)
    bits = PROBABILITY_BITS - np.log2(block.freqs)
    for i, excess in block.excesses.items():
        bits[i] += 4 + (excess + 1).bit_length()
    return bits


def _given(symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
    check(mixture)
    if symbols is None or symbols.dtype != np.int32 or symbols.shape != mixture.means.shape[:1]:
        raise ValueError("symbols must be int32, one per row of the mixture")
    return np.ascontiguousarray(symbols)
