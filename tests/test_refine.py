"""Encoder effort: the loss falls, the decoder does not notice."""

import numpy as np
import pytest

from m2t.codec import Codec
from m2t.config import Aim, ConfigError
from m2t.encoder.refine import CAUTION, Mover, best_steps, costs
from m2t.image import to_picture
from m2t.progress import Meter
from m2t.rans import Mixture, quantise
from m2t.rans.coders import symbol_bits

from .conftest import photograph

IMAGE = photograph(150, 100)


AIM = Aim(60, "psnr")


def loss(codec: Codec, effort: int) -> float:
    """Bits and lmbda times squared error, of a real file."""
    data = codec.compress(IMAGE, AIM.quality, tune=AIM.tune, effort=effort)
    error = np.asarray(codec.decompress(data), float) - np.asarray(IMAGE)
    return 8 * len(data) + codec.config.rate.lmbda(AIM) / 3 * np.square(error).sum()


def token_slopes(codec: Codec, rgb, y_hat, aim=AIM, linear=False):
    return codec.transforms.slopes(rgb, y_hat, aim, linear, 1, lambda num_tokens: None)


def test_more_effort_is_better(codec):
    none, some, much = (loss(codec, effort) for effort in (0, 1, 4))
    assert much < some < none


def test_no_effort_is_rounding(codec):
    picture = to_picture(IMAGE)
    assert np.array_equal(codec.tokens(picture, AIM, 0), codec.analyse(picture, AIM))


@pytest.mark.parametrize("effort", [-1, len(CAUTION)])
def test_no_such_effort(codec, effort):
    with pytest.raises(ConfigError, match=r"effort must be in 0\.\.9"):
        codec.compress(IMAGE, AIM.quality, tune=AIM.tune, effort=effort)


@pytest.mark.parametrize("effort", [1, 2])
def test_effort_for_the_eye_moves_other_tokens(codec, effort):
    picture, aim = to_picture(IMAGE), Aim(60, "eye")
    before = codec.analyse(picture, aim)
    moves = codec.tokens(picture, aim, effort) - before
    assert 0 < np.abs(moves).sum() < before.size / 2
    assert set(np.unique(moves)) <= set(range(-effort, effort + 1))


def mixture(count: int) -> Mixture:
    rng = np.random.default_rng(1)
    shape = (count, 2)
    return quantise(rng.normal(0, 2, shape), rng.uniform(0.3, 3, shape), np.ones(shape))


def test_steps_are_the_best_of_three():
    rng = np.random.default_rng(0)
    symbols = rng.integers(-4, 5, 200).astype(np.int32)
    slopes, curvatures = rng.normal(0, 3, 200), rng.uniform(0, 2, 200)
    steps = best_steps(symbols, mixture(200), slopes, curvatures)
    choices = np.arange(-1, 2, dtype=np.int32)[:, None]
    losses = [
        symbol_bits(symbols + step, mixture(200)) + step * slopes + np.abs(step) * curvatures
        for step in choices
    ]
    assert np.array_equal(steps, choices[np.argmin(losses, axis=0), 0])
    assert len(set(steps.tolist())) == 3


def test_costs_are_logarithms():
    masses = np.concatenate((np.arange(1, 3000), 2 ** np.arange(31) - (np.arange(31) > 0)))
    assert np.allclose(np.diff(costs(masses)), np.diff(-np.log2(masses)), rtol=0, atol=4e-4)


def test_symbols_far_off_only_follow_the_error():
    far = np.array([10**6, -(10**6)], np.int32)
    slopes, curvatures = np.array([3.0, 3.0]), np.array([1.0, 4.0])
    assert best_steps(far, mixture(2), slopes, curvatures).tolist() == [-1, 0]


def test_a_mover_waits_for_all_of_its_window_and_skips_what_would_not_move():
    rng = np.random.default_rng(2)
    y_hat = rng.integers(-1, 2, (5, 25, 4)).astype(np.int32)
    slopes = rng.normal(0, 3, y_hat.shape)
    curvatures = np.broadcast_to(rng.uniform(1, 4, 4), y_hat.shape)
    around_zero = mixture(500)._replace(means=np.zeros((500, 2), np.int32))
    places = rng.permutation(500)
    mover = Mover(y_hat, slopes.astype(np.float32), curvatures, iter([places[:300], places[300:]]))
    for part in (slice(0, 300), slice(300, 300), slice(300, 500)):
        given = y_hat.ravel()[places[part]]
        assert np.array_equal(mover.code(given, around_zero.rows(part)), given)
    expected = y_hat.flatten()
    expected[places] += best_steps(
        expected[places], around_zero, slopes.ravel()[places], curvatures.ravel()[places]
    )
    assert np.array_equal(mover.finish(), expected.reshape(y_hat.shape))
    assert not np.array_equal(expected, y_hat.ravel())


def test_progress_counts_all_passes(codec):
    shares: list[float] = []
    codec.compress(IMAGE, AIM.quality, tune=AIM.tune, progress=shares.append, effort=2)
    assert shares[-1] == pytest.approx(1)
    assert shares == sorted(shares)
    assert Meter(None, 2, 3, 4).total == 48
