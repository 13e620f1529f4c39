"""Two tunes in one model: asked for, recorded in the file, obeyed by the decoder."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from m2t.codec import Codec
from m2t.config import QUALITIES, Aim, RateConfig
from m2t.container import parse, parse_header
from m2t.errors import ConfigError, Corrupt
from m2t.model import Model
from m2t.presets import tiny

from .conftest import float_codec, photograph, seeded_model

IMAGE = photograph(90, 70)
DIAL = RateConfig(eye=((1, -1.0), (50, 0.5), (100, 1.5)))


@pytest.fixture(scope="module")
def single() -> Codec:
    """A codec that knows squared error only."""
    return float_codec(seeded_model(dataclasses.replace(tiny(), rate=RateConfig())))


def test_the_eye_is_the_default_where_the_model_can(codec: Codec, single: Codec) -> None:
    files = {tune: codec.compress(IMAGE, 40, tune=tune) for tune in (None, "eye", "psnr")}
    assert files[None] == files["eye"] != files["psnr"]
    assert parse_header(files["eye"]).aim == Aim(40, "eye")
    assert parse_header(files["psnr"]).aim == Aim(40, "psnr")
    assert parse_header(single.compress(IMAGE, 40)).aim == Aim(40, "psnr")


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


def test_bad_tunes_are_refused_before_any_work(codec: Codec, single: Codec) -> None:
    with pytest.raises(ConfigError, match="tune must be one of psnr, eye, not ear"):
        codec.compress(IMAGE, tune="ear")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="this model has no tune eye"):
        single.compress(IMAGE, tune="eye")


def test_a_file_with_a_tune_that_its_model_lacks_is_refused(single: Codec) -> None:
    stream = parse(single.compress(IMAGE))
    stream.header = dataclasses.replace(stream.header, flags=2)
    with pytest.raises(Corrupt, match="its tune is eye"):
        single.decompress(stream.pack())


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


def test_the_second_input_starts_without_effect() -> None:
    torch.manual_seed(0)
    model = Model(tiny()).eval()
    x = torch.rand(1, 3, 96, 96)
    with torch.no_grad():
        outs = [model(x, torch.tensor([[0.2, tune]])) for tune in (0.0, 1.0)]
    assert torch.equal(outs[0].x_hat, outs[1].x_hat)
    assert torch.equal(outs[0].bits, outs[1].bits)
