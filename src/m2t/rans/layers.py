"""A stream in parts, each of which decodes with those before it; past them, symbols are guessed.

The parts cost nothing: a decoder reads forward, so a stream is cut where the symbols of a layer
end. A block is what a coder is given at a time.
"""

import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import Corrupt
from .coders import Decoder, Encoder
from .gaussians import Mixture, expected

Symbols = NDArray[np.int32]
Guess = Callable[[Mixture], Symbols]
"""Symbols (n,) that n mixtures suggest."""


class Part(NamedTuple):
    """One layer of a stream."""

    data: bytes
    crc: int
    """CRC-32 of the layer's symbols: int32, little-endian, in the order of coding."""


class _Checksums:
    """Of the symbols of each layer. `ends`: how many blocks there are up to the end of each."""

    def __init__(self, ends: Sequence[int]) -> None:
        self.ends, self.num_blocks, self.crcs = ends, 0, [0] * len(ends)

    def add(self, symbols: Symbols) -> None:
        """The symbols of the next block."""
        i = bisect_right(self.ends, self.num_blocks)
        data = symbols.astype("<i4", copy=False).tobytes()
        self.crcs[i] = zlib.crc32(data, self.crcs[i])
        self.num_blocks += 1


class LayerEncoder:
    """Symbols to the parts of a stream: an Encoder's, cut. `ends`: see LayerDecoder."""

    def __init__(self, ends: Sequence[int]) -> None:
        self._encoder, self._checksums = Encoder(), _Checksums(ends)

    def code(self, symbols: Symbols | None, mixture: Mixture) -> Symbols:
        """Append int32 symbols (n,); returns them."""
        symbols = self._encoder.code(symbols, mixture)
        self._checksums.add(symbols)
        return symbols

    def finish(self) -> list[Part]:
        """The parts. The first one has the state, too; without symbols a part is empty."""
        pieces, sums = self._encoder.pieces(), self._checksums
        cuts = pairwise([0, *(end + 1 for end in sums.ends)])
        parts = [b"".join(pieces[a:b]) for a, b in cuts]
        return [Part(data, crc) for data, crc in zip(parts, sums.crcs, strict=True)]


class LayerDecoder:
    """The first parts of a stream to their symbols; all later symbols are guessed."""

    def __init__(
        self, parts: Sequence[bytes], ends: Sequence[int], whole: bool, guess: Guess = expected
    ) -> None:
        """Of the layers that are there, and how many blocks there are up to the end of each.

        `whole`: these are all the parts of the stream.
        """
        self._decoder, self._checksums = Decoder(b"".join(parts)), _Checksums(ends)
        self._num_bytes, self._whole = list(accumulate(map(len, parts))), whole
        self._num_layers, self._guess = 0, guess

    def code(self, symbols: Symbols | None, mixture: Mixture) -> Symbols:
        """The next symbols (n,), one per row of the mixture. `symbols` must be None.

        Raises Truncated where the parts end first, Corrupt where one does not end with its layer.
        """
        sums = self._checksums
        if sums.num_blocks == sums.ends[-1]:
            return self._guess(mixture)
        symbols = self._decoder.code(symbols, mixture)
        sums.add(symbols)
        if sums.num_blocks == sums.ends[self._num_layers]:
            self._end_layer()
        return symbols

    def finish(self) -> list[int]:
        """The CRC-32 of each layer's symbols; Corrupt unless each part ends with its layer."""
        while self._num_layers < len(self._num_bytes):  # a small window has no tokens for these
            self._end_layer()
        if self._whole:
            self._decoder.finish()
        return self._checksums.crcs

    def _end_layer(self) -> None:
        if self._decoder.num_bytes_read != self._num_bytes[self._num_layers]:
            raise Corrupt("entropy-coded layer does not end where its symbols do")
        self._num_layers += 1
