"""Slices of channels that are coded at high qualities alone."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from m2t.codec import Codec
from m2t.config import Aim, ModelConfig
from m2t.container import parse
from m2t.errors import ConfigError
from m2t.image import to_picture
from m2t.learn.load import load_model
from m2t.learn.networks.model import Model
from m2t.learn.networks.narrow import fill
from m2t.presets import tiny
from m2t.target import Target

from ..conftest import photograph, vary
from .conftest import exported, float_codec, seeded_model

LOW, HIGH = 40, 100
"""A quality at which the last slice is not coded, and one at which it is."""
PHOTO = photograph(100, 84)


def later(config: ModelConfig) -> ModelConfig:
    """`config` whose last slice begins at t = 0.4."""
    begins = (*(-2.0 for _ in config.slices[1:]), 0.4)
    config = vary(config, slices_from=begins)
    rate = dataclasses.replace(config.rate, psnr=((1.0, -1.0), (100.0, 1.5)))
    return dataclasses.replace(config, rate=rate)


CONFIG = later(tiny())


@pytest.fixture(scope="module")
def model() -> Model:
    model = seeded_model(CONFIG, 3)
    with torch.no_grad():
        model.gain_rise.fill_(0.3)
        model.entropy.prior_rise.fill_(0.2)
    return model


@pytest.fixture(scope="module")
def weights(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(model, tmp_path_factory.mktemp("later"))


def pictures(count: int = 4) -> list[torch.Tensor]:
    arrays = [np.asarray(photograph(96, 80, seed=i)) for i in range(count)]
    return [torch.from_numpy(a.copy()).permute(2, 0, 1)[None].float() / 255 for a in arrays]


def asked(quality: int, tune: float = 0.0) -> torch.Tensor:
    t, _ = CONFIG.rate.t(Aim(quality, "psnr"))
    return torch.tensor([[t, tune]])


def test_the_config_says_which_slices_an_aim_takes() -> None:
    low, high = CONFIG.at(Aim(LOW, "psnr")), CONFIG.at(Aim(HIGH, "psnr"))
    assert high is CONFIG
    assert low.slices == CONFIG.slices[:-1]
    assert low.transform.latent_channels == CONFIG.slices[-1].start
    assert low.at(Aim(HIGH, "psnr")) is low  # it knows of no others
    assert tiny().at(Aim(LOW, "psnr")) == tiny()
    assert CONFIG.rise == 0.4
    assert tiny().rise is low.rise is None


@pytest.mark.parametrize("begins", [(-2.0, -2.0), (-2.0, 0.5, 0.4), (0.0, 0.1, 0.2)])
def test_slices_begin_one_after_the_other(begins: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="slices_from"):
        vary(tiny(), slices_from=begins)


@pytest.mark.parametrize("quality", [LOW, HIGH])
@pytest.mark.parametrize("tune", ["psnr", "eye"])
@pytest.mark.parametrize("kind", ["integers", "floats"])
def test_files_have_the_slices_of_their_quality(model, weights, kind, quality, tune) -> None:
    codec = Codec.load(weights) if kind == "integers" else float_codec(model)
    data = codec.compress(PHOTO, quality, tune=tune, lossless="never")
    aim = Aim(quality, tune)
    y_hat = codec.decode_latents(parse(data))
    assert y_hat.shape[2] == CONFIG.at(aim).transform.latent_channels
    assert np.array_equal(y_hat, codec.tokens(to_picture(PHOTO), aim))
    again = Codec.load(weights) if kind == "integers" else float_codec(model)
    assert again.decompress(data).tobytes() == codec.decompress(data).tobytes()
    assert abs(8 * (len(data) - 40) - codec.estimate(data)) < 0.1 * codec.estimate(data) + 200


@pytest.mark.parametrize("options", [{"layers": 3}, {"effort": 3}, {"effort": 0}])
@pytest.mark.parametrize("quality", [LOW, HIGH])
def test_layers_and_efforts_take_the_slices_of_the_quality(weights, quality, options) -> None:
    codec = Codec.load(weights)
    data = codec.compress(PHOTO, quality, tune="psnr", lossless="never", **options)
    aim, effort = Aim(quality, "psnr"), options.get("effort", 1)
    y_hat = codec.tokens(to_picture(PHOTO), aim, effort)
    again = Codec.load(weights)
    assert np.array_equal(again.decode_latents(parse(data)), y_hat)
    painted = codec.synthesise(y_hat, PHOTO.height, PHOTO.width, aim)
    assert np.array_equal(np.asarray(again.decompress(data)), painted)
    assert again.decompress(data, scale=4).size == (25, 21)


def test_a_target_may_take_both(weights) -> None:
    codec, aims = Codec.load(weights), set()
    plain = {q: len(codec.compress(PHOTO, q, tune="psnr", lossless="never")) for q in (LOW, HIGH)}
    for num_bytes in plain.values():
        target = Target("size", num_bytes)
        data = codec.compress(PHOTO, target, tune="psnr", lossless="never")
        assert 0.9 * num_bytes < len(data) <= num_bytes
        aims.add(codec.decode_latents(parse(data)).shape[2])
    assert len(aims) == 2


@torch.inference_mode()
def test_below_it_is_the_model_without_them(model: Model) -> None:
    config = CONFIG.at(Aim(LOW, "psnr"))
    small = Model(config).eval()
    fill(small, model)
    for x in pictures(2):
        for tune in (0.0, 1.0):
            t = asked(LOW, tune)
            mine, other = small(x, t), model(x, t)
            torch.testing.assert_close(mine.x_hat, other.x_hat)
            torch.testing.assert_close(mine.bits, other.bits)


def test_exported_weights_can_be_trained_again(model: Model, weights: Path) -> None:
    again = load_model(weights)
    for aim in CONFIG.rate.aims()[::9]:
        t = torch.tensor([CONFIG.rate.t(aim)])
        torch.testing.assert_close(again.log_gain(t), model.log_gain(t), atol=1e-3, rtol=0)
        torch.testing.assert_close(
            again.entropy.prior(t), model.entropy.prior(t), atol=0.01, rtol=0
        )
