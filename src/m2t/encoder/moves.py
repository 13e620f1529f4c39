"""Which symbols to move by a step: those where it saves more bits than it costs.

    slope * step + curvature  +  bits(symbol + step) - bits(symbol)  <  0

What is here defines it; core/moves.c is its twin. Bits come from a table that is the same on every
machine, and floats are IEEE operations one at a time, so that files are the same everywhere.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import native
from ..rans import Mixture
from ..rans.gaussians import cdf, check_values
from ..rans.tables import Tables, tables

BITS_ENTRIES = 4096
"""Of the table of logarithms: bits are then right to 0.0002."""

Symbols = NDArray[np.int32]
Floats = NDArray[np.float32]


def moved(symbols: Symbols, mixture: Mixture, slopes: Floats, curvatures: Floats) -> Symbols:
    """Symbols (n,), or their neighbours.

    Args:
        mixture: of n rows.
        slopes: (n,) bits that the error of a step up is worth, to first order; a step down saves
            as many.
        curvatures: (n,) bits that either costs on top.
    """
    move = native.move if native.core else reference_move
    model = (*mixture.rows(slice(None)), *tables())
    return move(symbols, model, slopes, curvatures, bits_table())


def reference_move(
    symbols: Symbols,
    model: tuple[NDArray[Any], ...],
    slopes: Floats,
    curvatures: Floats,
    bits: NDArray[np.float64],
) -> Symbols:
    """See moved(); `bits` is what a symbol takes by its probability's mantissa."""
    # A zero that the error does not move is hardly ever moved by the rate.
    some = np.flatnonzero((np.abs(slopes) > curvatures) | (symbols != 0))
    mixture, slopes, curvatures = Mixture(*model[:3]).rows(some), slopes[some], curvatures[some]
    check_values(mixture)
    ends = symbols[some].astype(np.int64) + np.arange(-1, 3)[:, None]
    masses = np.diff(cdf(mixture, Tables(*model[3:]), ends), axis=0)
    # None is 0 but far off, where all are.
    below, here, above = _looked_up(np.maximum(masses, 1), bits)
    losses = [
        below - here - slopes + curvatures,
        np.zeros(len(some)),
        above - here + slopes + curvatures,
    ]
    result = symbols.copy()
    result[some] += (np.argmin(losses, axis=0) - 1).astype(np.int32)
    return result


def costs(masses: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits of symbols of these probabilities, up to a constant: from a table, alike everywhere."""
    return _looked_up(masses, bits_table())


def _looked_up(masses: NDArray[np.int64], bits: NDArray[np.float64]) -> NDArray[np.float64]:
    mantissas, exponents = np.frexp(masses.astype(np.float64))
    return bits[((mantissas - 0.5) * (2 * BITS_ENTRIES)).astype(np.int64)] - exponents


@cache
def bits_table() -> NDArray[np.float64]:
    """-log2 in the middle of each interval between 1/2 and 1, rounded so that no libm differs."""
    middles = [(BITS_ENTRIES + i + 0.5) / (2 * BITS_ENTRIES) for i in range(BITS_ENTRIES)]
    return np.array([-round(math.log2(middle) * 2**24) / 2**24 for middle in middles])
