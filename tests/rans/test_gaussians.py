"""The integer mixtures, against SciPy's and against their own promises."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from m2t.rans import gaussians
from m2t.rans.gaussians import SPAN, Mixture, cdf, lowest, quantise
from m2t.rans.tables import tables


def test_tables_are_the_ones_that_files_were_written_with():
    phi, inverse_sigmas = tables()
    assert zlib.crc32(phi.astype("<u4").tobytes()) == 0x0D9DB6FC
    assert zlib.crc32(inverse_sigmas.astype("<u4").tobytes()) == 0x3DFFE690


def test_tables_are_rounded_exactly():
    phi, inverse_sigmas = (table.astype(float) for table in tables())
    exact = norm.cdf(np.arange(2049) / 128 - 8) * 2**30
    assert np.abs(phi - exact).max() < 0.5 + 1e-6
    exact = 2.0 ** (26 + (84 - np.arange(256)) / 18)
    assert np.abs(inverse_sigmas - exact).max() < 0.5 + 1e-5
    assert (phi + phi[::-1] == 2**30).all()


def dequantised(mixture):
    sigmas = 2.0**26 / tables().inverse_sigmas
    return mixture.means / 64, sigmas[mixture.scales], mixture.weights / 2**15


def random_floats(rng, n, k):
    means = rng.normal(size=(n, k)) * 10 ** rng.uniform(-1, 3, size=(n, 1))
    scales = 10 ** rng.uniform(-1.2, 2.5, size=(n, k))
    return means, scales, rng.dirichlet(np.ones(k), size=n)


@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_quantise_takes_the_nearest(k):
    means, scales, weights = random_floats(np.random.default_rng(k), 2000, k)
    got_means, got_scales, got_weights = dequantised(quantise(means, scales, weights))
    assert np.abs(got_means - means).max() <= 1 / 128 + 1e-4
    assert np.abs(np.log2(got_scales / scales)).max() < 1 / 36 + 0.004
    assert np.abs(got_weights - weights).max() <= 1.01 / 2**15


@pytest.mark.parametrize("k", [1, 3, 8])
def test_cdf_agrees_with_scipy(k):
    mixture = quantise(*random_floats(np.random.default_rng(k), 500, k))
    means, sigmas, weights = dequantised(mixture)
    x = lowest(mixture) + np.arange(1, SPAN, 37)[:, None]
    exact = (weights * norm.cdf((x[..., None] - 0.5 - means) / sigmas)).sum(-1)
    assert np.abs(cdf(mixture, tables(), x) / 2**30 - exact).max() < 8e-6  # SPAN / 2^30 = 4e-6


floats = st.floats(width=32, allow_nan=True, allow_infinity=True)


@st.composite
def hostile_mixtures(draw):
    k = draw(st.integers(1, 8))
    rows = st.lists(floats, min_size=4 * k, max_size=4 * k)
    return quantise(*(np.reshape(draw(rows), (4, k)) for _ in range(3)))


def check(mixture):
    gaussians.check(mixture)
    gaussians.check_values(mixture)
    values = cdf(mixture, tables(), lowest(mixture) + np.arange(-2, SPAN + 3)[:, None])
    assert (values[:3] == 0).all()
    assert (values[-3:] == 2**30).all()
    assert (np.diff(values[2:-2], axis=0) >= 1).all()


@settings(deadline=None, max_examples=30)
@given(hostile_mixtures())
def test_any_floats_become_a_strictly_increasing_cdf(mixture):
    check(mixture)


@pytest.mark.parametrize("mean", [-(2**21), -1, 0, 1, 31, 32, 33, 2**21])
@pytest.mark.parametrize("scale", [0, 1, 84, 254, 255])
def test_extremes_become_a_strictly_increasing_cdf(mean, scale):
    means = np.array([[mean, -mean, 2**21]], dtype=np.int32)
    scales = np.array([[scale, 255 - scale, scale]], dtype=np.uint8)
    weights = np.array([[2**14, 2**14 - 1, 1]], dtype=np.uint16)
    check(Mixture(means, scales, weights))
    check(Mixture(means[:, :1], scales[:, :1], np.full((1, 1), 2**15, dtype=np.uint16)))


def test_quantise_clamps():
    bad = np.array([[np.nan, np.inf, -np.inf]])
    mixture = quantise(bad, bad, bad)
    assert mixture.means.tolist() == [[0, 2**21, -(2**21)]]
    assert mixture.scales.tolist() == [[0, 255, 0]]
    assert mixture.weights.tolist() == [[0, 2**15, 0]]
    assert quantise(bad, bad, np.zeros((1, 3))).weights.tolist() == [[2**15, 0, 0]]


def test_the_floor_costs_less_than_0_02_percent_of_the_easiest_symbols():
    means, scales, weights = np.zeros((1, 1)), np.full((1, 1), 0.1777), np.ones((1, 1))
    mixture = quantise(means, scales, weights)
    _, sigma, _ = dequantised(mixture)
    p = norm.cdf(0.5 / sigma[0, 0]) - norm.cdf(-0.5 / sigma[0, 0])
    freqs = np.diff(cdf(mixture, tables(), np.array([[-1], [0], [1], [2]]))[:, 0])
    bits = 30 - np.log2(freqs)
    exact = -np.log2([(1 - p) / 2, p, (1 - p) / 2])
    probabilities = [(1 - p) / 2, p, (1 - p) / 2]
    assert 0.03 < exact @ probabilities < 0.07
    assert bits @ probabilities < 1.0002 * (exact @ probabilities)
