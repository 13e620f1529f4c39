"""Encoder effort: the loss falls, the decoder does not notice."""

import numpy as np
import pytest

from m2t.codec import Codec
from m2t.config import Aim, ConfigError
from m2t.encoder.moves import bits_table, costs, moved, reference_move
from m2t.encoder.refine import CAUTION, Mover, refine
from m2t.engine import native
from m2t.geometry.schedule import Schedule
from m2t.image import to_picture
from m2t.rans import Mixture, quantise
from m2t.rans.coders import symbol_bits
from m2t.rans.tables import tables

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


@pytest.mark.parametrize("effort", [1, 3])
@pytest.mark.parametrize("tune", ["psnr", "eye"])
def test_threads_do_not_change_a_byte(codec, tune, effort):
    """On several, slopes and mixtures are found side by side."""
    files = {
        codec.on_threads(num_threads).compress(IMAGE, 60, tune=tune, effort=effort)
        for num_threads in (1, 2, 3)
    }
    assert len(files) == 1


def test_what_slopes_raise_is_raised(codec, monkeypatch):
    def slopes(*args):
        raise FloatingPointError("slopes")

    for num_threads in (1, 2):
        some = codec.on_threads(num_threads)
        monkeypatch.setattr(some.transforms, "slopes", slopes)
        with pytest.raises(FloatingPointError, match="slopes"):
            some.compress(IMAGE, 60)


@pytest.mark.parametrize("effort", [-1, len(CAUTION)])
def test_no_such_effort(codec, effort):
    with pytest.raises(ConfigError, match=r"effort must be in 0\.\.9"):
        codec.compress(IMAGE, AIM.quality, tune=AIM.tune, effort=effort)


def test_what_moves_together_settles(codec):
    """Where all answer to one error, they go to and fro together by their last slopes alone."""
    shape = (6, 6, codec.config.transform.latent_channels)
    wanted = np.random.default_rng(4).uniform(0, 1, shape).astype(np.float32)
    means = []

    def slopes_of(y_hat, linear):
        means.append(y_hat.mean())
        return 10 / lmbda * (y_hat.mean(dtype=np.float32) - wanted), np.ones((6, 6), np.float32)

    def move(y_hat, open_mover):
        mover = open_mover(0)
        symbols = y_hat.reshape(-1, shape[2])[mover.order]
        goes = np.abs(mover.slopes) > mover.curvatures
        mover.better[:] = symbols - np.sign(mover.slopes) * goes
        return [mover.finish()]

    lmbda = np.float32(codec.config.rate.lmbda(AIM))
    curvatures = np.full(shape[2], 3 / lmbda, np.float32)
    errors = (lambda aim: curvatures, slopes_of)
    start = np.zeros(shape, np.int32)
    refine(codec.config, start, AIM, 9, *errors, move, codec.windows(shape[:2]))
    assert max(np.abs(np.array(means[2:4]) - 0.5)) > 0.1
    assert max(np.abs(np.array(means[-12:]) - 0.5)) < 0.1


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


def model(count: int) -> tuple[np.ndarray, ...]:
    return (*mixture(count), *tables())


MOVES = [reference_move, native.move] if native.core else [reference_move]
"""What must agree."""


@pytest.mark.parametrize("move", MOVES)
def test_moves_are_the_best_of_three(move):
    rng = np.random.default_rng(0)
    symbols = rng.integers(-4, 5, 200).astype(np.int32)
    slopes = rng.normal(0, 3, 200).astype(np.float32)
    curvatures = rng.uniform(0, 2, 200).astype(np.float32)
    symbols += symbols == 0  # zeros have a rule of their own
    moves = move(symbols, model(200), slopes, curvatures, bits_table()) - symbols
    choices = np.arange(-1, 2, dtype=np.int32)[:, None]
    losses = [
        symbol_bits(symbols + step, mixture(200)) + step * slopes + np.abs(step) * curvatures
        for step in choices
    ]
    assert np.array_equal(moves, choices[np.argmin(losses, axis=0), 0])
    assert len(set(moves.tolist())) == 3


@pytest.mark.skipif(not native.core, reason="nothing was compiled")
@pytest.mark.parametrize("components", [1, 2, 3, 8])
def test_the_core_moves_as_the_reference_does(components):
    rng = np.random.default_rng(components)
    n = 3000
    shape = (n, components)
    some = quantise(rng.normal(0, 4, shape), rng.uniform(0.05, 9, shape), rng.uniform(0, 1, shape))
    symbols = (rng.standard_cauchy(n) * 2).clip(-9e6, 9e6).astype(np.int32)
    slopes = rng.normal(0, 4, n).astype(np.float32)
    curvatures = rng.uniform(0, 4, n).astype(np.float32)
    slopes[::7] = curvatures[::7]  # ties
    args = (symbols, (*some, *tables()), slopes, curvatures, bits_table())
    expected = reference_move(*args)
    assert np.array_equal(native.move(*args), expected)
    assert set((expected - symbols).tolist()) == {-1, 0, 1}


@pytest.mark.skipif(not native.core, reason="nothing was compiled")
def test_the_core_refuses_what_does_not_fit():
    symbols, floats = np.ones(3, np.int32), np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="fit together"):
        native.move(symbols, model(4), floats, floats, bits_table())
    with pytest.raises(ValueError, match="fit together"):
        native.move(symbols, model(3), floats[:2], floats, bits_table())
    with pytest.raises(ValueError, match="fit together"):
        native.move(symbols, model(3), floats, floats, bits_table()[:9])
    with pytest.raises(ValueError, match="fit together"):
        native.move(np.full(3, 2**31 - 1, np.int32), model(3), floats, floats, bits_table())


@pytest.mark.parametrize("move", MOVES)
def test_a_mixture_that_is_none_is_refused(move):
    means, scales, weights = mixture(3)
    bad = (means, scales, weights + np.uint16(1), *tables())
    floats = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="weights must sum"):
        move(np.ones(3, np.int32), bad, floats, floats, bits_table())


def test_costs_are_logarithms():
    masses = np.concatenate((np.arange(1, 3000), 2 ** np.arange(31) - (np.arange(31) > 0)))
    assert np.allclose(np.diff(costs(masses)), np.diff(-np.log2(masses)), rtol=0, atol=4e-4)


@pytest.mark.parametrize("move", MOVES)
def test_symbols_far_off_only_follow_the_error(move):
    far = np.array([10**6, -(10**6)], np.int32)
    slopes, curvatures = np.array([[3.0, 3.0], [1.0, 4.0]], np.float32)
    moved = move(far, model(2), slopes, curvatures, bits_table())
    assert (moved - far).tolist() == [-1, 0]


def test_a_mover_moves_in_the_order_of_coding_and_leaves_zeros_that_cost_no_error():
    rng = np.random.default_rng(2)
    y_hat = rng.integers(-1, 2, (5, 25, 4)).astype(np.int32)
    slopes = rng.normal(0, 3, y_hat.shape).astype(np.float32)
    curvatures = rng.uniform(1, 4, y_hat.shape).astype(np.float32)
    around_zero = mixture(500)._replace(means=np.zeros((500, 2), np.int32))
    schedule = Schedule(5, 25, rng.permutation(125), (50, 125))
    slices = [slice(0, 3), slice(3, 4)]
    mover = Mover(slopes, curvatures, schedule, slices, np.empty_like(y_hat))
    expected = np.empty((125, 4), np.int32)
    for tokens in (schedule.order[:50], schedule.order[50:]):
        for part in slices:
            where = (tokens[:, None], np.arange(4)[part])
            symbols = y_hat.reshape(-1, 4)[where].ravel()
            errors = [array.reshape(-1, 4)[where].ravel() for array in (slopes, curvatures)]
            rows = around_zero.rows(slice(0, len(symbols)))
            assert np.array_equal(mover.code(symbols, rows), symbols)
            assert mover.code(symbols[:0], rows.rows(slice(0, 0))).size == 0
            expected[where] = moved(symbols, rows, *errors).reshape(-1, part.stop - part.start)
    result = mover.finish()
    assert np.array_equal(result, expected.reshape(y_hat.shape))
    assert not np.array_equal(result, y_hat)
    assert (result[(y_hat == 0) & (np.abs(slopes) <= curvatures)] == 0).all()


def test_progress_counts_all_passes(codec):
    shares: list[float] = []
    codec.compress(IMAGE, AIM.quality, tune=AIM.tune, progress=shares.append, effort=2)
    assert shares[-1] == pytest.approx(1)
    assert shares == sorted(shares)
