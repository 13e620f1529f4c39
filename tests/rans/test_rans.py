"""Encoder, decoder and counter: exact, small, equal in C and Python, and safe."""

import constriction
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from m2t.engine import native
from m2t.errors import Corrupt, FormatError, Truncated
from m2t.rans import Counter, Decoder, Encoder, Mixture, quantise
from m2t.rans import reference as _rans_py
from m2t.rans.gaussians import SPAN, lowest
from m2t.rans.tables import tables

KERNELS = [native, _rans_py]
INT32 = np.iinfo(np.int32)


def drawn(n, spread, k=3, seed=0):
    """Symbols from mixtures whose sigmas are about `spread`, and these mixtures quantised."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(n, 1)) * 2 * spread + rng.normal(size=(n, k)) * 0.5 * spread
    scales = np.exp(rng.normal(size=(n, k)) * 0.3) * spread
    weights = rng.dirichlet(np.ones(k), size=n)
    chosen = (rng.random((n, 1)) > np.cumsum(weights, axis=1)).sum(axis=1).clip(0, k - 1)
    row = np.arange(n)
    values = rng.normal(means[row, chosen], scales[row, chosen])
    return np.rint(values).astype(np.int32), quantise(means, scales, weights)


def encoded(symbols, mixture, kernel=native):
    encoder = Encoder(kernel)
    assert encoder.code(symbols, mixture) is not None
    return encoder.finish()


def decoded(data, mixture, kernel=native):
    decoder = Decoder(data, kernel=kernel)
    symbols = decoder.code(None, mixture)
    decoder.finish()
    return symbols


def check_round_trip(symbols, mixture):
    data = encoded(symbols, mixture)
    assert encoded(symbols, mixture, _rans_py) == data
    for kernel in KERNELS:
        np.testing.assert_array_equal(decoded(data, mixture, kernel), symbols)
    return data


def rows(mixture, part):
    return Mixture(*(parameter[part] for parameter in mixture))


@pytest.mark.parametrize("k", [1, 2, 3, 8])
@pytest.mark.parametrize("spread", [0.05, 0.3, 3, 300])
def test_round_trip(spread, k):
    check_round_trip(*drawn(300, spread, k))


@st.composite
def adversarial(draw):
    """Any parameters that are valid at all, and symbols that need not suit them."""
    k, n = draw(st.integers(1, 8)), draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    means = rng.integers(-(2**21), 2**21, size=(n, k), endpoint=True, dtype=np.int32)
    means >>= draw(st.integers(0, 21))
    scales = rng.integers(0, 255, size=(n, k), endpoint=True, dtype=np.uint8)
    cuts = np.sort(rng.integers(0, 2**15, size=(n, k - 1), endpoint=True), axis=1)
    weights = np.diff(cuts, prepend=0, append=2**15, axis=1).astype(np.uint16)
    symbols = draw(st.lists(st.integers(INT32.min, INT32.max), min_size=n, max_size=n))
    symbols = np.array(symbols, dtype=np.int32) >> draw(st.integers(0, 31))
    return symbols, Mixture(means, scales, weights)


@settings(deadline=None, max_examples=30)
@given(adversarial())
def test_any_parameters_and_any_symbols_round_trip(case):
    symbols, mixture = case
    data = check_round_trip(symbols, mixture)
    counter = Counter()
    counter.code(symbols, mixture)
    assert abs(8 * len(data) - counter.bits - 36) < 8


def test_extreme_symbols_round_trip():
    mixture = quantise(np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1)))
    low = int(lowest(mixture)[0])
    high = low + SPAN - 1
    edges = [low - 2, low - 1, low, low + 1, high - 1, high, high + 1, high + 65535, high + 65536]
    symbols = np.array([*edges, INT32.min, INT32.max, 0], dtype=np.int32)
    check_round_trip(symbols, rows(mixture, np.zeros(len(symbols), dtype=int)))


def test_golden_bytes():
    """Files already written depend on these; a change here is a new format version."""
    means = np.array([[0, 64, -200], [10, 20, 30], [-64, 0, 64], [6400, 0, -6400]], dtype=np.int32)
    scales = np.array([[40, 84, 120], [0, 1, 2], [60, 50, 60], [255, 0, 128]], dtype=np.uint8)
    weights = np.array([[30000, 2000, 768]] * 4, dtype=np.uint16)
    symbols = np.array([1, 0, -1, 100_000], dtype=np.int32)
    mixture = Mixture(means, scales, weights)
    data = check_round_trip(symbols, mixture)
    assert data.hex() == "fb2f05fd0a950130ae"
    counter = Counter()
    counter.code(symbols, mixture)
    assert counter.bits == pytest.approx(35.42976327530722)


def entropy(symbols, mixture):
    """Bits, by SciPy's floats, that the symbols take under exactly this mixture."""
    means, sigmas = mixture.means / 64, 2.0**26 / tables().inverse_sigmas[mixture.scales]
    ends = [norm.cdf((symbols[:, None] + end - means) / sigmas) for end in (-0.5, 0.5)]
    return -np.log2(((ends[1] - ends[0]) * mixture.weights / 2**15).sum(axis=1)).sum()


@pytest.mark.parametrize(("spread", "bits"), [(0.086, 0.05), (0.155, 0.4), (0.9, 2)])
def test_size_is_the_entropy(spread, bits):
    symbols, mixture = drawn(100_000, spread, seed=1)
    num_bytes = len(encoded(symbols, mixture))
    counter = Counter()
    counter.code(symbols, mixture)
    ideal = entropy(symbols, mixture)
    assert ideal / len(symbols) == pytest.approx(bits, rel=0.3)
    assert counter.bits == pytest.approx(ideal, rel=0.0005)
    assert counter.bits / 8 <= num_bytes <= 1.0002 * counter.bits / 8 + 8


@pytest.mark.parametrize("spread", [0.12, 0.3, 1.2, 20])
def test_size_is_that_of_constriction(spread):
    symbols, mixture = drawn(100_000, spread, k=1, seed=2)
    stream = constriction.stream  # pyright: ignore[reportAttributeAccessIssue]  (no stubs)
    model = stream.model.QuantizedGaussian(-2048, 2047)
    sigmas = 2.0**26 / tables().inverse_sigmas[mixture.scales[:, 0]]
    oracle = stream.stack.AnsCoder()
    oracle.encode_reverse(symbols, model, mixture.means[:, 0] / 64, sigmas)
    num_bytes = len(encoded(symbols, mixture))
    assert num_bytes < 1.001 * 4 * len(oracle.get_compressed()) + 8


def test_an_empty_stream_has_5_bytes():
    assert Encoder().finish().hex() == "0000000001"
    Decoder(Encoder().finish()).finish()


def test_blocks_are_one_stream_and_a_prefix_decodes_the_first_of_them():
    symbols, mixture = drawn(3000, 0.5)
    encoder = Encoder()
    parts = [slice(0, 1), slice(1, 1), slice(1, 1000), slice(1000, 3000)]
    for part in parts:
        encoder.code(symbols[part], rows(mixture, part))
    data = encoder.finish()
    assert data == encoded(symbols, mixture)
    decoder = Decoder(data)
    for part in parts:
        decoder.code(None, rows(mixture, part))
        prefix = Decoder(data[: decoder.num_bytes_read], num_bytes=len(data))
        known = slice(0, part.stop)
        np.testing.assert_array_equal(prefix.code(None, rows(mixture, known)), symbols[known])
    assert decoder.num_bytes_read == len(data)


@pytest.mark.parametrize("kernel", KERNELS)
def test_truncation_is_noticed(kernel):
    symbols, mixture = drawn(200, 1)
    data = encoded(symbols, mixture)
    for num_bytes in range(len(data)):
        with pytest.raises(Truncated):
            Decoder(data[:num_bytes], len(data), kernel).code(None, mixture)
        with pytest.raises((Truncated, Corrupt)):
            decoded(data[:num_bytes], mixture, kernel)


@pytest.mark.parametrize("kernel", KERNELS)
def test_damage_is_noticed(kernel):
    symbols, mixture = drawn(200, 1)
    data = encoded(symbols, mixture)
    for i in range(len(data)):
        damaged = bytearray(data)
        damaged[i] ^= 1 << i % 8
        with pytest.raises(FormatError):
            decoded(bytes(damaged), mixture, kernel)
    with pytest.raises(Corrupt):
        decoded(data + bytes(4), mixture, kernel)


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_alike_or_refused_alike(data):
    _, mixture = drawn(20, 500)
    outcomes = []
    for kernel in KERNELS:
        try:
            outcomes.append(Decoder(data, kernel=kernel).code(None, mixture).tolist())
        except FormatError as error:
            outcomes.append(repr(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_no_mixture_is_refused(kernel):
    symbols, mixture = drawn(4, 1)
    data = encoded(symbols, mixture)
    for bad in [
        mixture._replace(weights=mixture.weights + np.uint16(1)),
        mixture._replace(means=mixture.means + np.int32(2**22)),
        mixture._replace(means=mixture.means.astype(np.float32)),
        mixture._replace(scales=mixture.scales[:, :2]),
    ]:
        with pytest.raises(ValueError, match="mixture"):
            encoded(symbols, bad, kernel)
        with pytest.raises(ValueError, match="mixture"):
            decoded(data, bad, kernel)
    with pytest.raises(ValueError, match="symbols"):
        encoded(symbols[:3], mixture, kernel)
    with pytest.raises(ValueError, match="symbols"):
        Counter().code(symbols.astype(np.int64), mixture)
