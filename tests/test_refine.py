"""Encoder effort: the loss falls, the decoder does not notice."""

import numpy as np
import pytest
import torch

from m2t.codec import Codec
from m2t.coding import Mixture, quantise
from m2t.coding.rans import symbol_bits
from m2t.config import Aim, ConfigError
from m2t.distortion import pixel_slopes
from m2t.image import to_picture
from m2t.meter import Meter
from m2t.presets import tiny
from m2t.refine import CAUTION, Mover, best_steps, costs
from m2t.ssimulacra2 import for_the_eye

from .conftest import float_codec, photograph, seeded_model, vary

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
    picture = to_picture(IMAGE)
    y_hat = codec.analyse(picture, AIM)
    assert codec.refined(picture, y_hat, AIM, 3) is y_hat


@pytest.mark.parametrize("effort", [-1, len(CAUTION)])
def test_no_such_effort(codec, effort):
    with pytest.raises(ConfigError, match=r"effort must be in 0\.\.9"):
        codec.compress(IMAGE, AIM.quality, tune=AIM.tune, effort=effort)


def test_slopes_are_those_of_the_error(model):
    """Against differences."""
    codec, rgb = float_codec(model), np.asarray(IMAGE)
    y_hat = codec.analyse(to_picture(IMAGE), AIM)
    slopes, stiffness = token_slopes(codec, rgb, y_hat, AIM)
    assert (stiffness == 1).all()

    def error(y: np.ndarray) -> float:
        with torch.inference_mode():
            tokens = torch.from_numpy(y.astype(np.float32)).permute(2, 0, 1)[None]
            t = torch.tensor([codec.config.rate.t(AIM)])
            x_hat = model.synthesise(tokens, t)[0, :, :100, :150]
        painted = 255 * x_hat.clamp(0, 1).permute(1, 2, 0).double().numpy()
        return float(np.square(painted - rgb).sum() / 3)

    rng, limit = np.random.default_rng(0), 0.02 * float(np.abs(slopes).max())
    for place in zip(*(rng.integers(n, size=8) for n in y_hat.shape), strict=True):
        step = np.zeros(y_hat.shape)
        step[place] = 0.01
        measured = (error(y_hat + step) - error(y_hat - step)) / 0.02
        assert slopes[place] == pytest.approx(measured, rel=0.1, abs=limit)


def test_strips_add_up(model, monkeypatch):
    codec, rgb = float_codec(model), np.asarray(IMAGE)
    y_hat = codec.analyse(to_picture(IMAGE), AIM)
    whole, _ = token_slopes(codec, rgb, y_hat, AIM)
    monkeypatch.setattr("m2t.transforms.floating.TOKENS_PER_STRIP", 20)
    parts, stiffness = token_slopes(codec, rgb, y_hat, AIM)
    assert np.abs(parts - whole).max() < 0.02 * np.abs(whole).max()
    assert (stiffness == 1).all()


def seen(x: torch.Tensor, x_hat: torch.Tensor) -> float:
    """The distortion for the eye of a picture of one block (3, H, W)."""
    x, x_hat = x[None], x_hat[None].clamp(0, 1)
    mse = 255**2 * (x_hat - x).square().mean((1, 2, 3))
    return float(for_the_eye(x, x_hat, mse)) * x[0, 0].numel()


@pytest.mark.parametrize("size", [(100, 150), (37, 50)])
def test_pixel_slopes_for_the_eye_are_those_of_what_is_seen(size):
    x = torch.from_numpy(np.asarray(IMAGE).copy()).permute(2, 0, 1)[:, : size[0], : size[1]] / 255
    x_hat = x + 0.05 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    gradient, stiffness = pixel_slopes(x, x_hat, "eye")
    assert gradient.shape == x.shape
    assert stiffness.shape == (-(-size[0] // 16), -(-size[1] // 16))
    assert (stiffness > 0).all()
    step = 0.02 * gradient / gradient.norm()
    change = (seen(x, x_hat + step) - seen(x, x_hat - step)) / 0.04
    assert change == pytest.approx(gradient.norm().item(), rel=0.03)


def test_blocks_are_judged_one_by_one(monkeypatch):
    x = torch.rand(3, 70, 90)
    x_hat = (x + 0.1 * torch.randn_like(x)).clamp(0, 1)
    monkeypatch.setattr("m2t.distortion.BLOCK", 3)  # 5x6 tokens: four blocks
    gradient, _ = pixel_slopes(x, x_hat, "eye")
    alone, _ = pixel_slopes(x[:, 48:, 48:], x_hat[:, 48:, 48:], "eye")
    torch.testing.assert_close(gradient[:, 48:, 48:], alone)


def test_pictures_too_small_to_be_seen_count_by_squared_error():
    x, x_hat = torch.rand(3, 7, 40), torch.rand(3, 7, 40)
    eye, psnr = (pixel_slopes(x, x_hat, tune)[0] for tune in ("eye", "psnr"))
    assert torch.equal(eye, psnr)


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


def test_linear_slopes_are_those_of_a_linear_synthesis():
    """Networks change the error that is to be mended, not the way to mend it."""
    networks, rgb = seeded_model(tiny()), np.asarray(IMAGE)
    codec = float_codec(networks)
    y_hat = codec.analyse(to_picture(IMAGE), AIM)
    leave = dict(networks.synthesis.named_parameters())
    with torch.no_grad():
        leave["leave.weight"].zero_()
        leave["leave.bias"].zero_()
    linear, whole = (token_slopes(codec, rgb, y_hat, AIM, flag)[0] for flag in (True, False))
    assert np.array_equal(linear, whole)
    with torch.no_grad():
        leave["leave.weight"].normal_(std=0.05)
    linear, whole = (token_slopes(codec, rgb, y_hat, AIM, flag)[0] for flag in (True, False))
    assert not np.allclose(linear, whole, rtol=0.1, atol=0.1 * np.abs(whole).max())


def test_progress_counts_all_passes(codec):
    shares: list[float] = []
    codec.compress(IMAGE, AIM.quality, tune=AIM.tune, progress=shares.append, effort=2)
    assert shares[-1] == pytest.approx(1)
    assert shares == sorted(shares)
    assert Meter(None, 2, 3, 4).total == 48
