"""Images to bytes and back, as a user does it: any size, another process, hostile files."""

import dataclasses

import numpy as np
import pytest
import torch

from m2t.codec import Codec
from m2t.config import Aim
from m2t.container import parse
from m2t.errors import FormatError, UnknownModel
from m2t.image import to_picture
from m2t.learn.networks.model import Model
from m2t.presets import paper, tiny
from m2t.rans import Counter

from ..conftest import photograph, vary
from ..test_codec import decoded_tokens
from .conftest import float_codec, seeded_model


@pytest.mark.parametrize("quality", [1, 37, 100])
def test_size_is_what_the_model_estimates(model: Model, codec: Codec, quality: int) -> None:
    image = photograph(400, 300)
    data = codec.compress(image, quality, lossless="never")
    aim = Aim(quality, "eye")
    num_bytes = sum(map(len, parse(data).windows))
    ideal = codec.estimate(data) / 8
    y_hat = codec.tokens(to_picture(image), aim)
    assert ideal <= num_bytes <= ideal * 1.001 + 8 * len(codec.windows(y_hat.shape[:2]))
    tokens = torch.from_numpy(y_hat).float().permute(2, 0, 1)[None]
    t = torch.tensor([model.config.rate.t(aim)])
    with torch.inference_mode():
        trained = float(model.rate(tokens, tokens, t)) / 8
    assert ideal == pytest.approx(trained, rel=0.03), "integers cost little"
    floats = float_codec(model)
    steps = floats.code(y_hat.shape[:2], aim, lambda _: Counter(), y_hat).results
    assert sum(steps) / 8 == pytest.approx(trained, rel=0.005, abs=8)


def test_container_costs_less_than_50_bytes() -> None:
    image = photograph(768, 512)
    model = seeded_model(vary(tiny(), window=24))  # four windows, as light has here
    codec = float_codec(model)
    data = codec.compress(image, 80, lossless="never")
    assert len(data) - sum(map(len, parse(data).windows)) < 50


@pytest.mark.parametrize("masking", ["mt", "m2t"])
def test_layers_of_models_in_floats(masking: str) -> None:
    codec = float_codec(seeded_model(vary(tiny(), masking=masking)))
    image = photograph(150, 100)
    data = codec.compress(image, 60, layers=3, lossless="never")
    whole = codec.decode_latents(parse(data))
    assert np.array_equal(
        whole, codec.decode_latents(parse(codec.compress(image, 60, lossless="never")))
    )
    errors = [np.abs(codec.decode_latents(parse(data, upto=i)) - whole).sum() for i in (1, 2, 3)]
    assert errors[0] > errors[1] > errors[2] == 0


@pytest.mark.parametrize(
    ("masking", "order"),
    [("mt", "entropy"), *((m, o) for m in ("mt", "m2t") for o in ("qlds", "random", "raster"))],
)
@pytest.mark.parametrize("steps", [1, 5, 36])
def test_every_schedule_makes_files_that_decode(masking: str, order: str, steps: int) -> None:
    config = vary(tiny(), masking=masking)
    schedule = dataclasses.replace(config.schedule, order=order, steps=steps)
    model = seeded_model(dataclasses.replace(config, schedule=schedule))
    codec = float_codec(model)
    image = photograph(120, 90)
    data = codec.compress(image, 40, lossless="never")
    header = parse(data).header
    assert (header.order.name.lower(), header.steps) == (order, steps)
    tokens = codec.tokens(to_picture(image), Aim(40, "eye"))
    assert np.array_equal(decoded_tokens(codec, data), tokens)


def test_paper_parts_make_files_that_decode() -> None:
    """The paper's transforms, norm, head and input scaling, at a small size."""
    config = dataclasses.replace(
        vary(paper(), width=48, layers=2, heads=4, mlp_width=64, window=5),
        transform=dataclasses.replace(paper().transform, width=8, latent_channels=10),
    )
    model = seeded_model(config)
    codec = float_codec(model)
    image = photograph(100, 90)
    data = codec.compress(image)
    tokens = codec.tokens(to_picture(image), Aim(50, "psnr"))  # it has no other tune
    assert np.array_equal(decoded_tokens(codec, data), tokens)
    assert codec.decompress(data).size == (100, 90)


def test_latents_far_outside_the_prediction_come_back(codec: Codec) -> None:
    """A gain gone wild: symbols the mixtures never expected go through the escape."""
    model = seeded_model(tiny())
    with torch.no_grad():
        model.gain.add_(12.0)
    wild = float_codec(model)
    image = photograph(40, 40)
    tokens = wild.tokens(to_picture(image), Aim(100, "eye"))
    assert np.abs(tokens).max() > 100_000
    assert np.array_equal(decoded_tokens(wild, wild.compress(image, 100, lossless="never")), tokens)


def test_other_weights_are_named(codec: Codec) -> None:
    other = float_codec(seeded_model(tiny(), seed=1))
    data = codec.compress(photograph(20, 20), lossless="never")
    with pytest.raises(UnknownModel, match=codec.identity.hex()):
        other.decompress(data)
    with pytest.raises(UnknownModel, match=codec.identity.hex()):
        Codec.for_file(data)


def test_wrong_weights_under_the_same_name_do_not_pass(codec: Codec) -> None:
    """Noise is never shown as an image: the checksums see to it."""
    impostor = float_codec(seeded_model(tiny(), seed=1), codec.identity)
    with pytest.raises(FormatError):
        impostor.decompress(codec.compress(photograph(120, 90)))


def test_quality_is_monotonic_in_bytes_and_distortion() -> None:
    """From the start, before any training, thanks to the gains."""
    torch.manual_seed(0)
    model = Model(tiny())
    image = photograph(160, 128)
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    patches = x.unfold(1, 16, 4).unfold(2, 16, 4).reshape(3, -1, 16, 16).transpose(0, 1)
    model.initialise(patches)
    codec = float_codec(model)
    sizes, errors = [], []
    for quality in range(1, 101, 11):
        data = codec.compress(image, quality, lossless="never")
        sizes.append(len(data))
        difference = np.asarray(codec.decompress(data), float) - np.asarray(image)
        errors.append(np.square(difference).mean())
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)


def test_progress_of_an_order_that_depends_on_the_tokens_ends_at_1() -> None:
    config = vary(tiny(), masking="mt")
    schedule = dataclasses.replace(config.schedule, order="entropy")
    codec = float_codec(seeded_model(dataclasses.replace(config, schedule=schedule)))
    for effort in (0, 1, 4):
        done: list[float] = []
        codec.compress(photograph(50, 40), effort=effort, progress=done.append)
        assert done[-1] == pytest.approx(1)
