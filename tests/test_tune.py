"""Two tunes in one model: asked for, recorded in the file, obeyed by the decoder."""

import itertools

import numpy as np
import pytest

from m2t.codec import Codec
from m2t.config import QUALITIES, Aim, RateConfig
from m2t.container import parse
from m2t.errors import ConfigError

from .conftest import photograph

IMAGE = photograph(90, 70)


DIAL = RateConfig(eye=((1, -1.0), (50, 0.5), (100, 1.5)))


@pytest.mark.parametrize("tune", ["eye", "psnr"])
def test_files_of_both_tunes_come_back(codec: Codec, tune) -> None:
    grey = IMAGE.convert("L")
    for image in (IMAGE, grey):
        data = codec.compress(image, 70, tune=tune)
        y_hat = codec.decode_latents(parse(data))
        rgb = codec.synthesise(y_hat, image.height, image.width, Aim(70, tune))
        found = np.asarray(codec.decompress(data).convert("RGB"))
        assert np.array_equal(found, rgb) or image is grey
        assert codec.decompress(data).mode == image.mode


def test_the_eyes_dial_is_linear_between_its_knots() -> None:
    ts = [DIAL.t(Aim(quality, "eye"))[0] for quality in QUALITIES]
    expected = np.interp(QUALITIES, (1, 50, 100), (-1, 0.5, 1.5))
    assert ts == pytest.approx(expected.tolist())
    assert all(a < b for a, b in itertools.pairwise(ts))
    assert DIAL.t(Aim(50, "eye"))[1] == 1
    assert DIAL.t(Aim(50, "psnr")) == RateConfig().t(Aim(50, "psnr"))
    ratio = DIAL.lmbda(Aim(50, "eye")) / DIAL.lmbda_mid
    assert ratio == pytest.approx((DIAL.lmbda_max / DIAL.lmbda_mid) ** 0.5)


@pytest.mark.parametrize(
    "eye",
    [
        ((1, 0.0),),
        ((2, 0.0), (100, 1.0)),
        ((1, 0.0), (99, 1.0)),
        ((1, 0.0), (50, 0.0), (100, 1.0)),
        ((1, 0.0), (50, 0.5), (50, 0.6), (100, 1.0)),
        ((1, -3.0), (100, 1.0)),
        ((1, 0.0, 1.0), (100, 1.0)),
    ],
)
def test_dials_that_make_no_sense(eye) -> None:
    with pytest.raises(ConfigError, match="eye must"):
        RateConfig(eye=eye)


def test_rows_are_those_of_all_aims() -> None:
    assert [DIAL.row(aim) for aim in DIAL.aims()] == list(range(200))
    assert [RateConfig().row(aim) for aim in RateConfig().aims()] == list(range(100))
