"""Gaussian mixtures as integers: one per symbol, each with a strictly increasing CDF.

    cdf(x) = ((2^30 - 4096) * sum_k w_k phi((x - 1/2 - mean_k) / sigma_k)) / 2^45 + (x - low)

The last term gives each of the 4096 symbols around the mixture's mean a probability of at least
2^-30, so none is impossible. It costs 5.5e-6 bits per symbol, 0.01 % where symbols are so easy
that they take 0.05 bits; with 24-bit probabilities the same span would cost 0.7 %. The two end
symbols stand for everything beyond them (see rans.py).
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .tables import INVERSE_SIGMA_BITS, PHI_BITS, PHI_RANGE, PHI_STEPS, Tables, tables

PROBABILITY_BITS = 30
MEAN_BITS = 6
WEIGHT_BITS = 15
MAX_COMPONENTS = 8
SPAN = 4096
"""Symbols that a CDF covers, ends included."""
MEAN_LIMIT = 1 << 15 + MEAN_BITS
"""Largest absolute mean, in 1/64: what keeps the sums below within 64 bits."""

# Distance (1/64) times inverse sigma (2^-26): an argument of phi, in 2^-32 sigma from -8 sigma.
_ARGUMENT_BITS = MEAN_BITS + INVERSE_SIGMA_BITS
_ARGUMENT_END = 2 * PHI_RANGE << _ARGUMENT_BITS
_FRACTION_BITS = _ARGUMENT_BITS - (PHI_STEPS.bit_length() - 1)


class Mixture(NamedTuple):
    """n mixtures of K Gaussians, 1 <= K <= 8: what a coder takes."""

    means: NDArray[np.int32]
    """(n, K) in units of 1/64, at most 2^21 in absolute value."""
    scales: NDArray[np.uint8]
    """(n, K) rungs of the ladder of sigmas (tables.py)."""
    weights: NDArray[np.uint16]
    """(n, K) in units of 2^-15; each row sums to 2^15."""

    def rows(self, part: slice | NDArray[np.int64]) -> "Mixture":
        """Some of the mixtures, in contiguous arrays."""
        means, scales, weights = self.means[part], self.scales[part], self.weights[part]
        contiguous = np.ascontiguousarray
        return Mixture(contiguous(means), contiguous(scales), contiguous(weights))


def quantise(means: NDArray, scales: NDArray, weights: NDArray) -> Mixture:
    """A network's (n, K) float mixtures as integers: the nearest that Mixture can express.

    `weights` are probabilities up to a common factor. Whatever is out of range is clamped; nan is
    taken as 0. No function of the platform's libm is involved, so that equal floats become equal
    integers on every machine.
    """
    limit = MEAN_LIMIT >> MEAN_BITS
    steps = np.rint(_clamped(means, -limit, limit) * (1 << MEAN_BITS)).astype(np.int32)
    return Mixture(steps, _rungs(scales), rounded_weights(weights))


def _clamped(values: NDArray, low: float, high: float) -> NDArray[np.float32]:
    values = np.where(np.isnan(values), 0, values)
    return np.clip(values, low, high).astype(np.float32, order="C", copy=False)


def rounded_weights(weights: NDArray) -> NDArray[np.uint16]:
    """Differences of the rounded cumulative sums: each is off by at most 1, the sum by nothing."""
    sums = np.cumsum(_clamped(weights, 0, 2**24), axis=1, dtype=np.float64)
    total = sums[:, -1:]
    sums = np.where(total > 0, sums / np.where(total > 0, total, 1), 1)  # else: the first has all
    sums = np.rint(sums * (1 << WEIGHT_BITS)).astype(np.int32)
    return np.diff(sums, axis=1, prepend=0).astype(np.uint16)


def _rungs(scales: NDArray) -> NDArray[np.uint8]:
    """The nearest rung for each sigma, looked up by the leading 16 bits of its float32."""
    bits = _clamped(scales, 2**-20, 2**20).view(np.uint32)
    return _rung_by_bits()[bits >> 15]


@cache
def _rung_by_bits() -> NDArray[np.uint8]:
    sigmas = 2.0**INVERSE_SIGMA_BITS / tables().inverse_sigmas
    between = np.sqrt(sigmas[1:] * sigmas[:-1])  # IEEE 754 rounds roots and quotients exactly
    bits = np.arange(1 << 14, 0x7F800000, 1 << 15, dtype=np.uint32)  # middle of each interval
    return np.searchsorted(between, bits.view(np.float32)).astype(np.uint8)


def check(mixture: Mixture) -> None:
    """Raise ValueError for arrays that are no Mixture."""
    means, scales, weights = mixture
    shapes = {means.shape, scales.shape, weights.shape}
    if len(shapes) > 1 or means.ndim != 2 or not 1 <= means.shape[1] <= MAX_COMPONENTS:
        raise ValueError("a mixture's arrays must all be (n, K), 1 <= K <= 8")
    if (means.dtype, scales.dtype, weights.dtype) != (np.int32, np.uint8, np.uint16):
        raise ValueError("a mixture's arrays must be int32, uint8, uint16")


def check_values(mixture: Mixture) -> None:
    """Raise ValueError for weights or means that the arithmetic is not made for."""
    weights_fit = (mixture.weights.sum(axis=1, dtype=np.int64) == 1 << WEIGHT_BITS).all()
    if not weights_fit or (np.abs(mixture.means.astype(np.int64)) > MEAN_LIMIT).any():
        raise ValueError("a mixture's weights must sum to 2^15, its means to fit")


def lowest(mixture: Mixture) -> NDArray[np.int64]:
    """(n,) the first of the symbols that each CDF covers: SPAN / 2 below the rounded mean."""
    sums = (mixture.means.astype(np.int64) * mixture.weights).sum(axis=1)
    half = 1 << WEIGHT_BITS + MEAN_BITS - 1
    return ((sums + half) >> WEIGHT_BITS + MEAN_BITS) - SPAN // 2


def expected(mixture: Mixture) -> NDArray[np.int32]:
    """(n,) the rounded means of the mixtures."""
    return (lowest(mixture) + SPAN // 2).astype(np.int32)


def cdf(mixture: Mixture, tables: Tables, x: NDArray[np.int64]) -> NDArray[np.int64]:
    """(..., n) probability, in 2^-30, of symbols below x (..., n): 0 to 2^30 from end to end."""
    phi, inverse_sigmas = (table.astype(np.int64) for table in tables)
    mixed = np.zeros(np.shape(x), dtype=np.int64)
    for mean, scale, weight in zip(*(parameter.T for parameter in mixture), strict=True):
        distance = 64 * x - 32 - mean.astype(np.int64)
        argument = distance * inverse_sigmas[scale] + _ARGUMENT_END // 2
        argument = np.clip(argument, 0, _ARGUMENT_END - 1)
        i, fraction = argument >> _FRACTION_BITS, argument & (1 << _FRACTION_BITS) - 1
        below = phi[i]
        below += ((phi[i + 1] - below) * fraction) >> _FRACTION_BITS
        mixed += weight.astype(np.int64) * below
    rank = x - lowest(mixture)
    mixed >>= PHI_BITS + WEIGHT_BITS - 33  # to 33 bits, so that the product has 63
    inside = (((1 << PROBABILITY_BITS) - SPAN) * mixed >> 33) + rank
    inside = np.where(rank <= 0, 0, inside)
    return np.where(rank >= SPAN, 1 << PROBABILITY_BITS, inside)


class Intervals(NamedTuple):
    """The parts of 0..2^30 that belong to n symbols."""

    starts: NDArray[np.int64]
    """(n,)"""
    freqs: NDArray[np.int64]
    """(n,) lengths, at least 1."""
    excesses: dict[int, int]
    """How far a symbol lies beyond its CDF's end symbol, by index; 0 at the end symbols."""


def intervals(mixture: Mixture, tables: Tables, symbols: NDArray[np.int32]) -> Intervals:
    """Where symbols (n,) fall; those beyond the CDF's ends become the end symbols."""
    low = lowest(mixture)
    covered = np.clip(symbols.astype(np.int64), low, low + SPAN - 1)
    starts, ends = cdf(mixture, tables, covered + np.array([[0], [1]]))
    escaped = np.flatnonzero((covered == low) | (covered == low + SPAN - 1))
    excesses = np.abs(symbols[escaped] - covered[escaped])
    return Intervals(
        starts, ends - starts, dict(zip(escaped.tolist(), excesses.tolist(), strict=True))
    )
