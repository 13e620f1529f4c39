"""Coders for coding.py that look: one records, one lets the model go on where knowledge ends.

A block is what a coder is given at a time: the symbols (n,) of one slice of one group.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..rans.coders import symbol_bits
from ..rans.gaussians import MEAN_BITS, WEIGHT_BITS, Mixture
from ..rans.tables import SIGMAS_PER_OCTAVE, UNIT_SIGMA

Symbols = NDArray[np.int32]
Fill = Callable[[Mixture], Symbols]
"""Symbols (n,) that n mixtures suggest."""


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

    def __init__(self, known: Iterable[Symbols], fill: Fill) -> None:
        self._known, self._fill = iter(known), fill

    def code(self, symbols: Symbols | None, mixture: Mixture) -> Symbols:
        """The next known block, or what `fill` makes of the mixture. `symbols` must be None."""
        assert symbols is None, "a completion is not told the symbols"
        block = next(self._known, None)
        return self._fill(mixture) if block is None else block

    def finish(self) -> None:
        """Nothing."""


def draw(mixture: Mixture, rng: np.random.Generator) -> Symbols:
    """(n,) a sample of each mixture.

    Of the Gaussians alone: that the coder makes every symbol possible would, in a million of them,
    put a few far from anything that the model expects.
    """
    num_rows = len(mixture.means)
    ends = mixture.weights.cumsum(1, dtype=np.int32)
    chosen = (rng.integers(0, 1 << WEIGHT_BITS, num_rows)[:, None] >= ends).sum(1)
    rows = np.arange(num_rows)
    octaves = (mixture.scales[rows, chosen] - float(UNIT_SIGMA)) / SIGMAS_PER_OCTAVE
    means = mixture.means[rows, chosen] / (1 << MEAN_BITS)
    return np.rint(rng.normal(means, np.exp2(octaves))).astype(np.int32)
