"""Symbols drawn from mixtures, in integers: the same on every machine."""

import numpy as np
from numpy.typing import NDArray

from .gaussians import MEAN_BITS, WEIGHT_BITS, Mixture
from .tables import INVERSE_SIGMA_BITS, PHI_BITS, PHI_RANGE, PHI_STEPS, tables

_WORD_BITS = 64
_FRACTION_BITS = 24
"""Of a step of phi."""
# An argument of phi counts in 2^-31 sigma, a mean in 2^-6, and 1/sigma in 2^-26.
_SHIFT = INVERSE_SIGMA_BITS + MEAN_BITS - (PHI_STEPS.bit_length() - 1) - _FRACTION_BITS


class Draws:
    """Draws one symbol from each mixture. The seed is some whole numbers from 0 on.

    Of the Gaussians alone: that the coder makes every symbol possible would, in a million of them,
    put a few far from anything that the model expects.
    """

    def __init__(self, *seed: int) -> None:
        self._words = np.random.PCG64(
            seed
        )  # of all of NumPy's streams, those of words never change

    def __call__(self, mixture: Mixture) -> NDArray[np.int32]:
        """(n,) a sample of each mixture. Each takes a word: who is drawn, and where."""
        num_rows = len(mixture.means)
        words = self._words.random_raw(num_rows)
        ends = mixture.weights.cumsum(1, dtype=np.int64)
        who = (words >> np.uint64(_WORD_BITS - WEIGHT_BITS)).astype(np.int64)
        chosen = np.arange(num_rows), (who[:, None] >= ends).sum(1)
        where = (words & np.uint64((1 << PHI_BITS) - 1)).astype(np.int64)
        inverse_sigmas = tables().inverse_sigmas[mixture.scales[chosen]].astype(np.int64)
        distances = (quantiles(where) << _SHIFT) // inverse_sigmas
        half = 1 << MEAN_BITS - 1
        return ((mixture.means[chosen] + distances + half) >> MEAN_BITS).astype(np.int32)


def quantiles(probabilities: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) where phi is so many 2^-30 (0 to 2^30 - 1), in 2^-31 sigma: linear between entries."""
    phi = tables().phi.astype(np.int64)
    i = np.searchsorted(phi, probabilities, side="right") - 1
    part = ((probabilities - phi[i]) << _FRACTION_BITS) // (phi[i + 1] - phi[i])
    return ((i - PHI_RANGE * PHI_STEPS) << _FRACTION_BITS) + part
