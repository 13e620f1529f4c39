"""Coders for coding.py that look: one records, one lets the model go on where knowledge ends.

A block is what a coder is given at a time: the symbols (n,) of one slice of one group.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..rans.coders import symbol_bits
from ..rans.gaussians import Mixture
from ..rans.layers import Guess, Symbols


class Block(NamedTuple):
    """What was coded at a time."""

    symbols: Symbols
    """(n,)"""
    bits: NDArray[np.float64]
    """(n,) what each of them costs."""


class Recorder:
    """Keeps the symbols that it is given and what each costs; Counter sums up the same."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def code(self, symbols: Symbols | None, mixture: Mixture) -> Symbols:
        """Record symbols (n,); returns them."""
        assert symbols is not None, "a recorder is told the symbols"
        self.blocks.append(Block(symbols, symbol_bits(symbols, mixture)))
        return symbols

    def finish(self) -> list[Block]:
        """All blocks, in the order of coding."""
        return self.blocks


class Completion:
    """Decodes the first blocks from what is known, and all others from the model itself."""

    def __init__(self, known: Iterable[Symbols], guess: Guess) -> None:
        self._known, self._guess = iter(known), guess

    def code(self, symbols: Symbols | None, mixture: Mixture) -> Symbols:
        """The next known block, or what `guess` makes of the mixture. `symbols` must be None."""
        assert symbols is None, "a completion is not told the symbols"
        block = next(self._known, None)
        return self._guess(mixture) if block is None else block

    def finish(self) -> None:
        """Nothing."""
