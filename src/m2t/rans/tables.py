"""The two tables behind every probability: the normal CDF, and a ladder of sigmas.

Both are defined by exact rounding and computed in Python's integers, so that they are the same on
every machine: no platform's libm takes part.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PHI_BITS = 30
"""phi counts in units of 2^-30."""
PHI_STEPS = 128
"""Entries of phi per sigma."""
PHI_RANGE = 8
"""phi covers -8 to 8 sigma; its first entries are 0 and its last 2^30."""

NUM_SIGMAS = 256
SIGMAS_PER_OCTAVE = 18
UNIT_SIGMA = 84
"""Rung of sigma 1: the ladder runs from 2^(-84/18) = 0.039 to 2^(171/18) = 724."""
INVERSE_SIGMA_BITS = 26
"""1/sigma counts in units of 2^-26."""


class Tables(NamedTuple):
    """What the coder's kernels look up."""

    phi: NDArray[np.uint32]
    """(2049,) round(2^30 * Phi(i/128 - 8)), Phi being the normal CDF."""
    inverse_sigmas: NDArray[np.uint32]
    """(256,) round(2^26 / sigma_i), sigma_i = 2^((i - 84) / 18)."""


@cache
def tables() -> Tables:
    """The tables, computed at the first call (in about 20 ms); read-only."""
    upper = _upper_half()
    lower = [(1 << PHI_BITS) - entry for entry in upper]
    return Tables(
        _frozen(lower[:0:-1] + upper), _frozen([_inverse_sigma(i) for i in range(NUM_SIGMAS)])
    )


def _frozen(values: list[int]) -> NDArray[np.uint32]:
    array = np.array(values, dtype=np.uint32)
    array.flags.writeable = False
    return array


def _upper_half() -> list[int]:
    """phi at i/128 for i = 0..1024.

    Taylor steps of h = 1/128 through g(t) = exp(-t^2 / 2), in units of 2^-96. From g' = -t g, the
    terms a_n = g^(n)(t) h^n / n! obey a_n+1 = -(t h a_n + h^2 a_n-1) / (n + 1). Beyond 9 sigma
    2^-61 of the whole is left, so that the sum up to there is half of what normalises g.
    """
    integrals, integral, density = [0], 0, 1 << 96
    for i in range(9 * PHI_STEPS):
        before, term, density = 0, density, 0
        for n in range(1, 12):
            density += term
            integral += term // n  # in units of h; the normaliser is too
            before, term = term, -(i * term + before) // (n * PHI_STEPS**2)
        integrals.append(integral)
    total = 2 * integral
    kept = integrals[: PHI_RANGE * PHI_STEPS + 1]
    return [(((total + 2 * part) << PHI_BITS) + total) // (2 * total) for part in kept]


def _inverse_sigma(i: int) -> int:
    """round(2^26 / sigma_i) = the largest n with n - 1/2 <= 2^(26 + (84 - i) / 18)."""
    octaves = INVERSE_SIGMA_BITS + 1  # of 2n - 1
    exponent = SIGMAS_PER_OCTAVE * octaves + UNIT_SIGMA - i
    n = round(2 ** (exponent / SIGMAS_PER_OCTAVE) / 2)  # nearly; integers decide
    while (2 * n + 1) ** SIGMAS_PER_OCTAVE <= 1 << exponent:
        n += 1
    while (2 * n - 1) ** SIGMAS_PER_OCTAVE > 1 << exponent:
        n -= 1
    return n
