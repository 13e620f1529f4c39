"""Encoder effort: the loss falls, the decoder does not notice."""

import numpy as np
import pytest
import torch

from m2t.image import to_picture
from m2t.learn.floats.distortion import pixel_slopes
from m2t.learn.ssimulacra2 import for_the_eye
from m2t.presets import tiny

from ..conftest import vary
from ..test_refine import AIM, IMAGE, loss, token_slopes
from .conftest import float_codec, seeded_model


@pytest.mark.parametrize("masking", ["mt", "m2t"])
def test_floats_are_refined_too(masking):
    codec = float_codec(seeded_model(vary(tiny(), masking=masking)))
    assert loss(codec, 1) < loss(codec, 0)


def test_tokens_of_an_order_that_depends_on_them_stay():
    model = seeded_model(vary(tiny(), masking="mt"))
    codec = float_codec(model)
    schedule = codec.config.schedule
    object.__setattr__(schedule, "order", "entropy")
    picture = to_picture(IMAGE)
    y_hat = codec.analyse(picture, AIM)
    assert codec.refined(picture, y_hat, AIM, 3) is y_hat


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
    monkeypatch.setattr("m2t.learn.floats.transforms.TOKENS_PER_BAND", 20)
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
    monkeypatch.setattr("m2t.learn.floats.distortion.BLOCK", 3)  # 5x6 tokens: four blocks
    gradient, _ = pixel_slopes(x, x_hat, "eye")
    alone, _ = pixel_slopes(x[:, 48:, 48:], x_hat[:, 48:, 48:], "eye")
    torch.testing.assert_close(gradient[:, 48:, 48:], alone)


def test_pictures_too_small_to_be_seen_count_by_squared_error():
    x, x_hat = torch.rand(3, 7, 40), torch.rand(3, 7, 40)
    eye, psnr = (pixel_slopes(x, x_hat, tune)[0] for tune in ("eye", "psnr"))
    assert torch.equal(eye, psnr)


def test_linear_slopes_are_those_of_a_linear_synthesis():
    """Networks change the error that is to be mended, not the way to mend it."""
    networks, rgb = seeded_model(tiny()), np.asarray(IMAGE)
    y_hat = float_codec(networks).analyse(to_picture(IMAGE), AIM)

    def slopes() -> list[np.ndarray]:
        codec = float_codec(networks)
        return [token_slopes(codec, rgb, y_hat, AIM, flag)[0] for flag in (True, False)]

    leave = dict(networks.synthesis.named_parameters())
    with torch.no_grad():
        leave["leave.weight"].zero_()
        leave["leave.bias"].zero_()
    linear, whole = slopes()
    assert np.array_equal(linear, whole)
    with torch.no_grad():
        leave["leave.weight"].normal_(std=0.05)
    linear, whole = slopes()
    assert not np.allclose(linear, whole, rtol=0.1, atol=0.1 * np.abs(whole).max())
