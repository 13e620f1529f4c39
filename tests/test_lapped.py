"""Lapped transforms in integers: near the floats they come from, and the same however computed."""

import dataclasses

import numpy as np
import pytest
import torch

from m2t.checkpoint import build_codec, lapped_tensors, load_model, read_model
from m2t.codec import Codec
from m2t.config import Aim
from m2t.engine import native
from m2t.engine.eye import block_slopes
from m2t.engine.native import NativePictures
from m2t.engine.reference import ReferencePictures
from m2t.errors import ModelError
from m2t.image import to_picture
from m2t.lapped.transforms import LappedTransforms
from m2t.model import Model
from m2t.presets import tiny
from m2t.transforms.quantise import integral

from .conftest import float_codec, photograph

WIDTH, HEIGHT = 150, 100
AIMS = [Aim(10, "psnr"), Aim(60, "eye"), Aim(100, "psnr")]
PICTURE = to_picture(photograph(WIDTH, HEIGHT))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.square(a.astype(float) - b).mean())


@pytest.fixture(scope="module")
def floats(model: Model) -> Codec:
    return float_codec(model)


@pytest.mark.parametrize("aim", AIMS)
def test_tokens_are_those_of_floats(codec: Codec, floats: Codec, aim: Aim) -> None:
    ours, theirs = codec.analyse(PICTURE, aim), floats.analyse(PICTURE, aim)
    assert (ours != theirs).mean() < 2e-3
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


@pytest.fixture(scope="module")
def every_way(weights) -> dict[str, LappedTransforms]:
    config, state = read_model(weights)
    tensors = {name: tensor.numpy() for name, tensor in lapped_tensors(state).items()}
    ways = [ReferencePictures(), *(NativePictures(i) for i in range(len(native.levels())))]
    return {ops.name: LappedTransforms(config, tensors, ops, block_slopes) for ops in ways}


def nothing(num_tokens: int) -> None:
    pass


@pytest.mark.parametrize("aim", AIMS)
def test_all_operations_and_threads_and_strips_give_the_same(every_way, aim, monkeypatch) -> None:
    expected = None
    for name, transforms in every_way.items():
        for num_threads, area in ((1, 4096), (3, 4096), (2, 10), (1, 1)):
            monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_STRIP", area)
            monkeypatch.setattr("m2t.engine.threads.FEWEST_PLACES", 1)
            y_hat = transforms.analyse(PICTURE.rgb, aim, num_threads, nothing)
            rgb = transforms.synthesise(y_hat, HEIGHT, WIDTH, aim, num_threads, nothing)
            slopes = transforms.slopes(PICTURE.rgb, y_hat, aim, True, num_threads, nothing)
            found = (y_hat, rgb, *slopes)
            expected = found if expected is None else expected
            for ours, theirs in zip(found, expected, strict=True):
                assert np.array_equal(ours, theirs), (name, num_threads, area)


def test_pictures_of_all_small_sizes(every_way) -> None:
    transforms = every_way["reference"]
    for height, width in ((1, 1), (15, 33), (16, 16), (17, 1)):
        rgb = PICTURE.rgb[:height, :width]
        y_hat = transforms.analyse(rgb, AIMS[0], 1, nothing)
        assert y_hat.shape == (-(-height // 16), -(-width // 16), 12)
        assert transforms.synthesise(y_hat, height, width, AIMS[0], 1, nothing).shape == rgb.shape


def test_what_no_picture_asks_for_is_painted_all_the_same(every_way) -> None:
    """Tokens of hostile files: clamped, and alike."""
    y_hat = np.random.default_rng(0).integers(-(2**31), 2**31, (3, 4, 12)).astype(np.int32)
    painted = [t.synthesise(y_hat, 48, 64, AIMS[0], 1, nothing) for t in every_way.values()]
    assert all(np.array_equal(painted[0], other) for other in painted)


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


def test_only_linear_lapped_transforms_become_integers() -> None:
    transform = tiny().transform
    assert integral(transform)
    assert not integral(dataclasses.replace(transform, linear_analysis=False))
    assert not integral(dataclasses.replace(transform, width=12))


def test_missing_tensors_are_refused(weights) -> None:
    config, state = read_model(weights)
    del state["lapped.synthesis.unit"]
    with pytest.raises(ModelError, match="do not fit"):
        build_codec(config, state, torch.device("cpu"))
