"""What the eye sees: the reference against autograd, and C against the reference."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from m2t.engine import eye_tables as tables
from m2t.engine import native
from m2t.engine.eye import block_slopes
from m2t.engine.reference import ReferenceDistortions

REFERENCE = ReferenceDistortions()
ROOT = Path(__file__).parents[2]


SIZES = [(8, 8), (8, 77), (45, 9), (31, 32), (64, 50), (97, 130)]
"""Some have fewer scales than others, down to two; at the smallest, all is near a border."""


Pixels = npt.NDArray[np.uint8]


Painted = npt.NDArray[np.int16]


Slopes = npt.NDArray[np.float32]


def pair(height: int, width: int, quality: int = 30) -> tuple[Pixels, Painted]:
    """A part of a photograph, and something like it: some of it beyond black and white."""
    image = (
        Image.open(ROOT / "examples/photo.png")
        .convert("RGB")
        .crop((90, 40, 90 + width, 40 + height))
    )
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    rng = np.random.default_rng(height * width)
    levels = np.asarray(Image.open(file), np.int32) + rng.integers(-3, 4, (height, width, 1))
    beyond = rng.random((height, width, 1)) < 0.02
    levels = levels + beyond * rng.choice([-300, 300], (height, width, 1))
    painted = 64 * levels - tables.WHITE + rng.integers(-40, 41, levels.shape)
    return np.array(image), painted.astype(np.int16)


def reference(x: Pixels, x_hat: Painted) -> Slopes:
    slopes = np.full(x.shape, np.nan, np.float32)
    block_slopes(x, x_hat, slopes)
    return slopes


def close(found: npt.ArrayLike, expected: npt.ArrayLike, error: float) -> bool:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return bool(np.linalg.norm(found - expected) <= error * np.linalg.norm(expected))


def test_light_is_that_of_srgb() -> None:
    light, slopes = tables.light_tables()
    x = np.arange(light.size) / (light.size - 1)
    dark = x <= 0.04045
    np.testing.assert_allclose(light, np.where(dark, x / 12.92, ((x + 0.055) / 1.055) ** 2.4), 1e-7)
    bright = 2.4 / 1.055 * ((x + 0.055) / 1.055) ** 1.4
    np.testing.assert_allclose(slopes, np.where(dark, 1 / 12.92, bright), 1e-7)


def test_what_is_beyond_black_and_white_has_no_slope() -> None:
    x, x_hat = pair(40, 50)
    slopes = reference(x, x_hat)
    beyond = np.abs(x_hat.astype(int)) > tables.WHITE
    assert 10 < beyond.sum() < beyond.size / 2
    assert (slopes[beyond] == 0).all()
    assert (slopes[~beyond] != 0).all()
    x[0, 0], x_hat[0, 0] = 9, [tables.WHITE, -tables.WHITE, -tables.WHITE - 1]
    assert (reference(x, x_hat)[0, 0] != 0).tolist() == [True, True, False]


def test_equal_pictures_have_no_slopes() -> None:
    x, _ = pair(40, 50)
    same = (64 * x.astype(np.int32) - tables.WHITE).astype(np.int16)
    assert (reference(x, same) == 0).all()


@pytest.fixture(params=range(len(native.levels())))
def in_c(request: pytest.FixtureRequest) -> native.NativeDistortions:
    return native.NativeDistortions(request.param)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [10, 95])
def test_c_is_the_reference_bit_for_bit(in_c, size: tuple[int, int], quality: int) -> None:
    x, x_hat = pair(*size, quality)
    slopes = np.full(x.shape, np.nan, np.float32)
    in_c.seen(x, x_hat, slopes)
    np.testing.assert_array_equal(slopes.view(np.int32), reference(x, x_hat).view(np.int32))


def test_c_agrees_on_pictures_of_one_colour_and_of_noise(in_c) -> None:
    rng = np.random.default_rng(0)
    flat = np.full((24, 40, 3), 255, np.uint8)
    noise = rng.integers(0, 256, flat.shape, np.uint8)
    values = rng.integers(-(2**15), 2**15, flat.shape, np.int16)
    same = (64 * noise.astype(np.int32) - tables.WHITE).astype(np.int16)
    black = np.full(flat.shape, -tables.WHITE, np.int16)
    for x, x_hat in [
        (flat, black),
        (flat, values),
        (noise, values),
        (noise, same),
        (noise, same + 1),
    ]:
        slopes = np.empty(x.shape, np.float32)
        in_c.seen(x, x_hat, slopes)
        np.testing.assert_array_equal(slopes.view(np.int32), reference(x, x_hat).view(np.int32))


def test_c_fills_a_block_of_a_picture_and_nothing_else(in_c) -> None:
    x, x_hat = pair(60, 70)
    block = (slice(7, 42), slice(5, 38))
    slopes = np.full(x.shape, 7, np.float32)
    in_c.seen(x[block], x_hat[block], slopes[block])
    expected = np.full(x.shape, 7, np.float32)
    expected[block] = reference(x[block], x_hat[block])
    np.testing.assert_array_equal(slopes, expected)


def test_c_refuses_what_is_too_small_or_too_large(in_c) -> None:
    for size in [(7, 8), (8, 7), (385, 8), (8, 385)]:
        slopes = np.full((*size, 3), 7, np.float32)
        with pytest.raises(ValueError, match="do not fit"):
            in_c.seen(np.zeros(slopes.shape, np.uint8), np.zeros(slopes.shape, np.int16), slopes)
        assert (slopes == 7).all()


@pytest.mark.parametrize("size", [(1, 1), (16, 32), (37, 21), (100, 75)])
def test_squared_errors_in_c_are_the_reference_bit_for_bit(in_c, size: tuple[int, int]) -> None:
    x, x_hat = pair(*size)
    whole = np.full((2, size[0], size[1] + 3, 3), np.nan, np.float32)
    found, expected = whole[:, :, :-3]
    shape = (-(-size[0] // 16), -(-size[1] // 16))
    energies = np.full((2, *shape), np.nan, np.float32)
    for ops, slopes, energy in zip((in_c, REFERENCE), (found, expected), energies, strict=True):
        ops.squared(x, x_hat, slopes)
        ops.energies(slopes, energy)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(energies[0], energies[1])
    assert np.isnan(whole[:, :, -3:]).all()


def test_energies_are_means_of_squares() -> None:
    slopes = np.random.default_rng(3).normal(size=(20, 40, 3)).astype(np.float32)
    energies = np.empty((2, 3), np.float32)
    REFERENCE.energies(slopes, energies)
    for (i, j), energy in np.ndenumerate(energies):
        token = slopes[16 * i : 16 * i + 16, 16 * j : 16 * j + 16]
        assert energy == pytest.approx(np.square(token).mean(), rel=1e-5)


def test_c_refuses_pictures_that_do_not_fit_together(in_c) -> None:
    x, x_hat = pair(20, 20)
    slopes = np.empty(x.shape, np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        in_c.squared(x, x_hat[:19], slopes)
    with pytest.raises(ValueError, match="do not fit"):
        in_c.energies(slopes, np.empty((2, 1), np.float32))
