"""Lapped transforms in integers: near the floats they come from, and the same however computed."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from m2t.codec import Codec
from m2t.config import Aim
from m2t.learn.integers.transforms_to_integers import integral
from m2t.learn.load import load_model
from m2t.learn.networks.model import Model
from m2t.learn.training.config import RunConfig, TrainConfig
from m2t.learn.training.initial import initialise
from m2t.presets import tiny

from ..conftest import nonlinear
from ..test_lapped import AIMS, HEIGHT, PICTURE, WIDTH
from .conftest import exported, float_codec, seeded_model


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.square(a.astype(float) - b).mean())


@pytest.fixture(scope="module")
def curved() -> Model:
    """A model with a network in the analysis, which moves half of all tokens."""
    return seeded_model(nonlinear(tiny()))


@pytest.fixture(scope="module")
def curved_weights(curved: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(curved, tmp_path_factory.mktemp("curved"))


@pytest.fixture(scope="module")
def floats(model: Model) -> Codec:
    return float_codec(model)


@pytest.mark.parametrize("aim", AIMS)
def test_tokens_are_those_of_floats(codec: Codec, floats: Codec, aim: Aim) -> None:
    ours, theirs = codec.analyse(PICTURE, aim), floats.analyse(PICTURE, aim)
    assert (ours != theirs).mean() < 2e-3
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("aim", AIMS)
def test_tokens_of_a_network_are_those_of_floats(curved: Model, curved_weights, aim: Aim) -> None:
    """But for what 8 bits lose: little of what it moves."""
    codec, floats = Codec.load(curved_weights), float_codec(curved)
    state, linear = curved.state_dict(), Model(curved.config)
    silent = {name: torch.zeros_like(t) for name, t in state.items() if "analysis.leave" in name}
    linear.load_state_dict(state | silent)
    ours, theirs, plain = (c.analyse(PICTURE, aim) for c in (codec, floats, float_codec(linear)))
    assert codec.transforms.exact
    moved = (plain != theirs).mean()
    assert moved > 0.02
    assert (ours != theirs).mean() < 0.15 * moved
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("aim", AIMS)
def test_pixels_lose_little(codec: Codec, floats: Codec, aim: Aim) -> None:
    y_hat = floats.analyse(PICTURE, aim)
    ours, theirs = (c.synthesise(y_hat, HEIGHT, WIDTH, aim) for c in (codec, floats))
    assert psnr(ours, PICTURE.rgb) > psnr(theirs, PICTURE.rgb) - 0.05
    assert psnr(ours, theirs) > 48


@pytest.mark.parametrize("tune", ["psnr", "eye"])
def test_slopes_are_those_of_floats(codec: Codec, floats: Codec, tune) -> None:
    aim = Aim(60, tune)
    y_hat = floats.analyse(PICTURE, aim)
    (ours, stiff), (theirs, stiff_too) = (
        c.transforms.slopes(PICTURE.rgb, y_hat, aim, True, 1, lambda _: None)
        for c in (codec, floats)
    )
    assert np.linalg.norm(ours - theirs) < 0.15 * np.linalg.norm(theirs)
    assert np.allclose(stiff, stiff_too, rtol=0.3)
    errors = (c.transforms.step_errors(aim) for c in (codec, floats))
    assert np.allclose(*errors, rtol=1e-3)


def test_restored_floats_paint_the_same(weights, model: Model) -> None:
    restored = load_model(weights)
    with torch.inference_mode():
        x = torch.from_numpy(PICTURE.rgb[:96, :144].copy()).permute(2, 0, 1)[None] / 255
        for aim in AIMS:
            t = torch.tensor([model.config.rate.t(aim)])
            y, y_too = (m.analyse(x, t) for m in (model, restored))
            assert (y - y_too).abs().max() < 0.01 * y.abs().max()
            painted = (m.synthesise(y.round(), t) for m in (model, restored))
            assert (next(painted) - next(painted)).abs().max() < 0.01


def test_restored_floats_analyse_the_same(curved: Model, curved_weights: Path) -> None:
    ours, theirs = float_codec(load_model(curved_weights)), float_codec(curved)
    for aim in AIMS:
        assert (ours.analyse(PICTURE, aim) != theirs.analyse(PICTURE, aim)).mean() < 0.05


def test_training_goes_on_from_a_network_in_integers(curved: Model, curved_weights: Path) -> None:
    config = RunConfig(curved.config, TrainConfig(init="random"))
    model = Model(config.model)
    initialise(model, config, None, [curved_weights])  # type: ignore[arg-type] - needs no crops
    x, t = torch.rand(1, 3, 64, 96), torch.zeros(1, 2)
    with torch.no_grad():
        y, expected = model.analysis(x, t), curved.analysis(x, t)
    assert (y - expected).abs().max() < 0.02 * expected.abs().max()


def test_a_network_begins_without_effect(curved: Model, weights: Path) -> None:
    """In a model that goes on from one whose analysis is linear."""
    model = Model(curved.config)
    config = RunConfig(curved.config, TrainConfig(init="random"))
    initialise(model, config, None, [weights])  # type: ignore[arg-type] - needs no crops
    x, t = torch.rand(1, 3, 64, 96), torch.zeros(1, 2)
    with torch.no_grad():
        assert torch.equal(model.analysis(x, t), load_model(weights).analysis(x, t))


def test_which_transforms_become_integers() -> None:
    transform = tiny().transform
    assert integral(transform)
    assert integral(dataclasses.replace(transform, linear_analysis=False))
    assert not integral(dataclasses.replace(transform, width=12))
