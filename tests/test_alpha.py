"""Colours under transparency."""

import numpy as np
import pytest
from PIL import Image

import m2t
from m2t.image import to_picture
from m2t.image.alpha import filled

from .conftest import photograph
from .image_files import noise


def disc(size: int = 96) -> np.ndarray:
    """(size, size) opaque within a disc, half so at its rim."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radius = np.hypot(x, y)
    return (np.clip(size / 3 - radius + 0.5, 0, 1) * 255).astype(np.uint8)


def test_what_is_seen_stays():
    rgb, alpha = noise(40, 31, 3), noise(40, 31) // 128 * 200
    result = filled(rgb, alpha)
    assert np.array_equal(result[alpha > 0], rgb[alpha > 0])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3), (64, 65)])
def test_one_colour_spreads_everywhere(size):
    rgb, alpha = noise(*size, 3), np.zeros(size, np.uint8)
    alpha[-1, 0] = 1
    assert (filled(rgb, alpha) == rgb[-1, 0]).all()


def test_colours_go_on_smoothly():
    alpha = disc()
    ramp = np.broadcast_to(np.arange(96, dtype=np.uint8)[:, None, None] * 2, (96, 96, 3))
    spoilt = np.where(alpha[..., None] == 0, noise(96, 96, 3), ramp)
    result = filled(spoilt, alpha).astype(int)
    assert np.abs(np.diff(result, axis=0)).max() <= 12
    assert np.abs(np.diff(result, axis=1)).max() <= 12


@pytest.mark.parametrize("value", [0, 255])
def test_nothing_seen_or_nothing_hidden_is_left_alone(value):
    rgb = noise(5, 6, 3)
    assert filled(rgb, np.full((5, 6), value, np.uint8)) is rgb


def test_hidden_colours_cost_nothing_and_do_not_spoil_the_rim():
    photo, alpha = np.asarray(photograph(96, 96)), disc()
    hidden = alpha == 0
    clean = np.dstack((photo, alpha))
    spoilt = np.dstack((np.where(hidden[..., None], noise(96, 96, 3), photo), alpha))
    codec = m2t.load()
    sizes, errors = [], []
    for pixels in (clean, spoilt):
        data = codec.compress(Image.fromarray(pixels), 50)
        out = np.asarray(codec.decompress(data))
        assert np.array_equal(out[..., 3], alpha)
        sizes.append(len(data))
        errors.append(np.abs(out[~hidden][:, :3].astype(int) - photo[~hidden]).mean())
    assert sizes[0] == sizes[1]
    assert errors[0] == errors[1]
    assert to_picture(Image.fromarray(spoilt)).alpha is not None
