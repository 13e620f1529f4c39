"""Lapped transforms in integers: the same however computed."""

from pathlib import Path

import numpy as np
import pytest

from m2t.codec import Codec
from m2t.config import Aim
from m2t.engine import native
from m2t.engine.native import NativePictures
from m2t.engine.reference import ReferenceDistortions, ReferencePictures
from m2t.errors import ModelError
from m2t.image import to_picture
from m2t.lapped.transforms import LappedTransforms
from m2t.weights import Weights, read_weights
from m2t.weights.file import INTEGER, LAPPED

from .conftest import photograph

WIDTH, HEIGHT = 150, 100
AIMS = [Aim(10, "psnr"), Aim(60, "eye"), Aim(100, "psnr")]
PICTURE = to_picture(photograph(WIDTH, HEIGHT))


@pytest.fixture(scope="module")
def every_way(weights: Path) -> dict[str, LappedTransforms]:
    return all_ways(weights)


def all_ways(weights: Path) -> dict[str, LappedTransforms]:
    """Transforms by all operations that run here."""
    found = read_weights(weights)
    ways = [ReferencePictures(), *(NativePictures(i) for i in range(len(native.levels())))]
    lapped = found.below(LAPPED)
    return {
        ops.name: LappedTransforms(found.config, lapped, ops, ReferenceDistortions())
        for ops in ways
    }


def nothing(num_tokens: int) -> None:
    pass


@pytest.mark.parametrize("aim", AIMS)
def test_all_operations_and_threads_and_strips_give_the_same(every_way, aim, monkeypatch) -> None:
    expected = None
    for name, transforms in every_way.items():
        for num_threads, area in ((1, 4096), (3, 4096), (2, 10), (1, 1)):
            monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_BAND", area)
            monkeypatch.setattr("m2t.engine.threads.FEWEST_PLACES", 1)
            y_hat = transforms.analyse(PICTURE.rgb, aim, num_threads, nothing)
            rgb = transforms.synthesise(y_hat, HEIGHT, WIDTH, aim, num_threads, nothing)
            slopes = transforms.slopes(PICTURE.rgb, y_hat, aim, True, num_threads, nothing)
            found = (y_hat, rgb, *slopes)
            expected = found if expected is None else expected
            sums = transforms.unrounded(PICTURE.rgb, num_threads, nothing)
            assert np.array_equal(transforms.rounded(sums, aim), y_hat), (name, num_threads, area)
            for ours, theirs in zip(found, expected, strict=True):
                assert np.array_equal(ours, theirs), (name, num_threads, area)


def test_a_dead_zone_moves_tokens_towards_zero(every_way) -> None:
    transforms = every_way["reference"]
    sums = transforms.unrounded(PICTURE.rgb, 1, nothing)
    before, after = (transforms.rounded(sums, AIMS[0], zone) for zone in (0.0, 0.1))
    steps = np.abs(before) - np.abs(after)
    assert set(np.unique(steps)) == {0, 1}
    assert (before * after >= 0).all()


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


@pytest.mark.parametrize(
    "name", [LAPPED + "synthesis.unit", LAPPED + "gains", INTEGER + "blocks.1.steps"]
)
def test_missing_tensors_are_refused(weights: Path, name: str) -> None:
    found = read_weights(weights)
    lacking = {key: stored for key, stored in found.tensors.items() if key != name}
    with pytest.raises(ModelError, match="do not fit"):
        Codec.of(Weights(found.config, lacking))
