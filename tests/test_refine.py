"""Encoder effort: the loss falls, the decoder does not notice."""

import numpy as np
import pytest
import torch

from m2t.codec import Codec
from m2t.coding import Mixture, quantise
from m2t.coding.rans import symbol_bits
from m2t.config import Aim, ConfigError
from m2t.image import to_picture
from m2t.meter import Meter
from m2t.presets import tiny
from m2t.refine import CAUTION, Mover, best_steps, error_slopes, refine

from .conftest import float_codec, photograph, seeded_model, vary

IMAGE = photograph(150, 100)
AIM = Aim(60, "psnr")


def loss(codec: Codec, effort: int) -> float:
    """Bits and lmbda times squared error, of a real file."""
    data = codec.compress(IMAGE, AIM.quality, tune=AIM.tune, effort=effort)
    error = np.asarray(codec.decompress(data), float) - np.asarray(IMAGE)
    return 8 * len(data) + codec.config.rate.lmbda(AIM) / 3 * np.square(error).sum()


def test_more_effort_is_better(codec):
    none, some, much = (loss(codec, effort) for effort in (0, 1, 4))
    assert much < some < none


@pytest.mark.parametrize("masking", ["mt", "m2t"])
def test_floats_are_refined_too(masking):
    codec = float_codec(seeded_model(vary(tiny(), masking=masking)))
    assert loss(codec, 1) < loss(codec, 0)


def test_no_effort_is_rounding(codec):
    picture = to_picture(IMAGE)
    assert np.array_equal(codec.tokens(picture, AIM, 0), codec.analyse(picture, AIM))


def test_tokens_of_an_order_that_depends_on_them_stay():
    model = seeded_model(vary(tiny(), masking="mt"))
    codec = float_codec(model)
    schedule = codec.config.schedule
    object.__setattr__(schedule, "order", "entropy")
    y_hat = codec.analyse(to_picture(IMAGE), AIM)
    assert refine(codec, np.asarray(IMAGE), y_hat, AIM, 3) is y_hat


@pytest.mark.parametrize("effort", [-1, len(CAUTION)])
def test_no_such_effort(codec, effort):
    with pytest.raises(ConfigError, match=r"effort must be in 0\.\.9"):
        codec.compress(IMAGE, AIM.quality, tune=AIM.tune, effort=effort)


def test_slopes_are_those_of_the_error(codec):
    """Against differences, and across the seams of strips."""
    rgb = np.asarray(IMAGE)
    y_hat = codec.analyse(to_picture(IMAGE), AIM)
    slopes = error_slopes(codec, rgb, y_hat, AIM)

    def error(y: np.ndarray) -> float:
        with torch.inference_mode():
            tokens = torch.from_numpy(y.astype(np.float32)).permute(2, 0, 1)[None]
            x_hat = codec.transforms.synthesise(tokens, codec.t(AIM))[0, :, :100, :150]
        painted = 255 * x_hat.clamp(0, 1).permute(1, 2, 0).double().numpy()
        return float(np.square(painted - rgb).sum())

    rng, limit = np.random.default_rng(0), 0.02 * float(np.abs(slopes).max())
    for place in zip(*(rng.integers(n, size=8) for n in y_hat.shape), strict=True):
        step = np.zeros(y_hat.shape)
        step[place] = 0.01
        measured = (error(y_hat + step) - error(y_hat - step)) / 0.02
        assert slopes[place] == pytest.approx(measured, rel=0.1, abs=limit)


def test_strips_add_up(codec, monkeypatch):
    rgb = np.asarray(IMAGE)
    y_hat = codec.analyse(to_picture(IMAGE), AIM)
    whole = error_slopes(codec, rgb, y_hat, AIM)
    monkeypatch.setattr("m2t.codec.TOKENS_PER_STRIP", 20)
    parts = error_slopes(codec, rgb, y_hat, AIM)
    assert np.abs(parts - whole).max() < 0.02 * np.abs(whole).max()


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


def test_symbols_far_off_only_follow_the_error():
    far = np.array([10**6, -(10**6)], np.int32)
    slopes, curvatures = np.array([3.0, 3.0]), np.array([1.0, 4.0])
    assert best_steps(far, mixture(2), slopes, curvatures).tolist() == [-1, 0]


def test_a_mover_waits_for_all_of_its_window_and_skips_what_would_not_move():
    rng = np.random.default_rng(2)
    y_hat = rng.integers(-1, 2, (5, 25, 4)).astype(np.int32)
    slopes, curvatures = rng.normal(0, 3, y_hat.shape), rng.uniform(1, 4, 4)
    around_zero = mixture(500)._replace(means=np.zeros((500, 2), np.int32))
    places = rng.permutation(500)
    mover = Mover(y_hat, slopes.astype(np.float32), curvatures, iter([places[:300], places[300:]]))
    for part in (slice(0, 300), slice(300, 300), slice(300, 500)):
        given = y_hat.ravel()[places[part]]
        assert np.array_equal(mover.code(given, around_zero.rows(part)), given)
    expected = y_hat.flatten()
    expected[places] += best_steps(
        expected[places], around_zero, slopes.ravel()[places], np.tile(curvatures, 125)[places]
    )
    assert np.array_equal(mover.finish(), expected.reshape(y_hat.shape))
    assert not np.array_equal(expected, y_hat.ravel())


def test_linear_slopes_are_those_of_a_linear_synthesis():
    """Networks change the error that is to be mended, not the way to mend it."""
    codec, rgb = float_codec(seeded_model(tiny())), np.asarray(IMAGE)
    y_hat = codec.analyse(to_picture(IMAGE), AIM)
    leave = dict(codec.transforms.synthesis.named_parameters())
    with torch.no_grad():
        leave["leave.weight"].zero_()
        leave["leave.bias"].zero_()
    linear, whole = (error_slopes(codec, rgb, y_hat, AIM, flag) for flag in (True, False))
    assert np.array_equal(linear, whole)
    with torch.no_grad():
        leave["leave.weight"].normal_(std=0.05)
    linear, whole = (error_slopes(codec, rgb, y_hat, AIM, flag) for flag in (True, False))
    assert not np.allclose(linear, whole, rtol=0.1, atol=0.1 * np.abs(whole).max())


def test_progress_counts_all_passes(codec):
    shares: list[float] = []
    codec.compress(IMAGE, AIM.quality, tune=AIM.tune, progress=shares.append, effort=2)
    assert shares[-1] == pytest.approx(1)
    assert shares == sorted(shares)
    assert Meter(None, 2, 3, 4).total == 48
