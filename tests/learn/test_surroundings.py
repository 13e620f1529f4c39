"""What is around a codec: the module it was made from, and PyTorch's modes. Neither matters."""

import copy

import pytest
import torch

from m2t.codec import Codec
from m2t.learn.floats.network import FloatNetwork
from m2t.learn.floats.transforms import FloatTransforms
from m2t.learn.networks.model import Model
from m2t.presets import tiny

from ..conftest import photograph
from .conftest import float_codec, seeded_model

IMAGE = photograph(60, 50)
EFFORTS = (0, 1, 2)
"""Nothing refined; by the linear part of the synthesis; by all of it."""


@pytest.fixture(params=["exported", "float"])
def any_codec(request: pytest.FixtureRequest, model: Model, codec: Codec) -> Codec:
    return codec if request.param == "exported" else float_codec(model)


def files(codec: Codec) -> list[bytes]:
    return [codec.compress(IMAGE, effort=effort, lossless="never") for effort in EFFORTS]


def pictures(codec: Codec, made: list[bytes]) -> list[bytes]:
    return [codec.decompress(data).tobytes() for data in made]


@pytest.mark.parametrize(
    "mode",
    [
        torch.inference_mode,
        torch.no_grad,
        lambda: torch.autocast("cpu", torch.bfloat16),
        lambda: torch.autocast("cpu", torch.float16),
    ],
    ids=["inference", "no_grad", "bfloat16", "float16"],
)
def test_modes_around_it_do_not_matter(any_codec: Codec, mode) -> None:
    made = files(any_codec)
    shown = pictures(any_codec, made)
    with mode():
        assert files(any_codec) == made
        assert pictures(any_codec, made) == shown


def test_a_codec_made_in_inference_mode_works_outside() -> None:
    with torch.inference_mode():
        inside = float_codec(seeded_model(tiny()))
    assert files(inside) == files(float_codec(seeded_model(tiny())))


def facts(module: torch.nn.Module) -> list[object]:
    weights = [(p.requires_grad, p.stride(), p.device, p.dtype) for p in module.parameters()]
    return [*weights, *(part.training for part in module.modules())]


@pytest.mark.parametrize("training", [True, False])
def test_the_module_stays_as_it_is(training: bool) -> None:
    model = seeded_model(tiny()).train(training)
    before, weights = facts(model), copy.deepcopy(model.state_dict())
    made = files(float_codec(model))
    FloatTransforms(model, torch.device("meta"))
    FloatNetwork(model.entropy, model.config, torch.device("meta"))
    assert facts(model) == before
    assert all(torch.equal(weights[name], w) for name, w in model.state_dict().items())
    assert made == files(float_codec(model.train(not training)))


def test_the_codec_stays_as_it_is() -> None:
    model = seeded_model(tiny())
    codec = float_codec(model)
    made = files(codec)
    model.train()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert files(codec) == made


def test_copies_take_no_random_numbers(model: Model) -> None:
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    float_codec(model)
    assert torch.equal(torch.rand(4), expected)
