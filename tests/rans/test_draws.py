"""Symbols drawn from mixtures: distributed as they should be, the same everywhere."""

import zlib

import numpy as np
from scipy.stats import norm

from m2t.rans import Draws, Mixture
from m2t.rans.draws import quantiles
from m2t.rans.gaussians import PROBABILITY_BITS, cdf, expected
from m2t.rans.tables import tables


def test_quantiles_are_those_of_the_normal_distribution() -> None:
    probabilities = np.array([1000, 10**6, 2**28, 2**29, 2**30 - 10**6])
    found = quantiles(probabilities) / 2**31
    assert np.abs(found - norm.ppf(probabilities / 2**30)).max() < 1e-3
    assert found[3] == 0


def test_the_first_and_the_last_word_have_a_quantile() -> None:
    low, high = quantiles(np.array([0, 2**30 - 1])) / 2**31
    assert -6.2 < low < -5.9
    assert 5.9 < high < 6.2


def test_draws_follow_the_mixture() -> None:
    num_rows = 200_000
    row = Mixture(
        np.array([[-100, 290]], np.int32),
        np.array([[70, 100]], np.uint8),
        np.array([[1 << 14] * 2], np.uint16),
    )
    means, scales, weights = row
    mixture = Mixture(
        means.repeat(num_rows, 0), scales.repeat(num_rows, 0), weights.repeat(num_rows, 0)
    )
    drawn = Draws(0)(mixture)
    symbols = np.arange(-8, 16)
    edges = np.append(symbols, symbols[-1] + 1)[:, None]
    probabilities = np.diff(cdf(row, tables(), edges)[:, 0]) / 2.0**PROBABILITY_BITS
    shares = (drawn[:, None] == symbols).mean(0)
    assert np.abs(shares - probabilities).max() < 0.004
    assert set(expected(mixture).tolist()) == {1}  # (-100 + 290) / 2 / 64 = 1.48


def test_every_machine_draws_the_same() -> None:
    numbers = np.arange(2000, dtype=np.int32).reshape(-1, 2)
    weights = np.tile(np.array([1000, 2**15 - 1000], np.uint16), (1000, 1))
    mixture = Mixture(numbers * 7 - 5000, (numbers % 256).astype(np.uint8), weights)
    draws = Draws(1, 2)
    found = [zlib.crc32(draws(mixture).astype("<i4").tobytes()) for _ in range(2)]
    assert found == [4086141521, 715003716]
    assert zlib.crc32(Draws(2, 1)(mixture).astype("<i4").tobytes()) != found[0]
