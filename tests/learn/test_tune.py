"""Two tunes in one model: asked for, recorded in the file, obeyed by the decoder."""

import dataclasses

import pytest
import torch

from m2t.codec import Codec
from m2t.config import Aim, RateConfig
from m2t.container import parse, parse_header
from m2t.errors import ConfigError, Corrupt
from m2t.learn.networks.model import Model
from m2t.presets import tiny

from ..test_tune import IMAGE
from .conftest import float_codec, seeded_model


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


def test_the_second_input_starts_without_effect() -> None:
    torch.manual_seed(0)
    model = Model(tiny()).eval()
    x = torch.rand(1, 3, 96, 96)
    with torch.no_grad():
        outs = [model(x, torch.tensor([[0.2, tune]])) for tune in (0.0, 1.0)]
    assert torch.equal(outs[0].x_hat, outs[1].x_hat)
    assert torch.equal(outs[0].bits, outs[1].bits)
