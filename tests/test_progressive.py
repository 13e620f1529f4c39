"""Progressive files: the picture of one without layers, and before it others that get sharper."""

import functools
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import m2t
from m2t.codec import Codec
from m2t.container import parse
from m2t.errors import ConfigError, Truncated
from m2t.eval.metrics import psnr
from m2t.rans import LayerDecoder

from .conftest import photograph

PHOTO = photograph(150, 100)  # 7x10 tokens: windows of 4x5 and 3x5
LARGE = photograph(300, 220)
EXAMPLE = Path(__file__).parents[1] / "examples" / "photo.png"


def pixels(image: Image.Image | str) -> np.ndarray:
    return np.asarray(Image.open(image) if isinstance(image, str) else image)


def num_steps(codec: Codec) -> int:
    return codec.config.schedule.steps


@pytest.fixture(scope="module")
def real() -> Codec:
    """The codec of the package, whose model expects something."""
    return Codec.load(num_threads=1)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    image = Image.open(EXAMPLE).convert("RGB")
    return image.resize((320, 240))


@pytest.fixture(scope="module")
def layered(real: Codec, photo: Image.Image) -> bytes:
    return real.compress(photo, 60, layers=4)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
def test_every_number_of_layers_holds_the_same_picture(codec: Codec, mode: str) -> None:
    image = PHOTO.convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    one = codec.compress(image, 70)
    whole = pixels(codec.decompress(one))
    for layers in range(1, num_steps(codec) + 1):
        data = codec.compress(image, 70, layers=layers)
        assert parse(data).header.version == (1 if layers == 1 else 2)
        assert np.array_equal(pixels(codec.decompress(data)), whole)
        assert parse(data).windows == parse(one).windows
        for upto in range(1, layers + 1):
            some = codec.decompress(data, upto=upto)
            assert (some.mode, some.size) == (mode, image.size)


def test_all_layers_of_the_model_of_the_package(real: Codec, photo: Image.Image) -> None:
    one = real.compress(photo, 60, effort=0)
    for layers in (2, 7, 12):
        data = real.compress(photo, 60, effort=0, layers=layers)
        assert parse(data).windows == parse(one).windows
        assert np.array_equal(pixels(real.decompress(data)), pixels(real.decompress(one)))


def test_one_layer_is_a_file_as_ever(codec: Codec) -> None:
    assert codec.compress(PHOTO, layers=1) == codec.compress(PHOTO)


@pytest.mark.parametrize("size", [(1, 1), (16, 500), (500, 17)])
def test_sizes_with_fewer_groups_than_steps(codec: Codec, size: tuple[int, int]) -> None:
    image = photograph(*size)
    data = codec.compress(image, layers=num_steps(codec))
    expected = pixels(codec.decompress(codec.compress(image)))
    assert np.array_equal(pixels(codec.decompress(data)), expected)
    assert codec.decompress(data, upto=1).size == size


def test_each_layer_brings_the_picture_nearer(
    real: Codec, layered: bytes, photo: Image.Image
) -> None:
    scores = [psnr(real.decompress(layered, upto=i), photo) for i in (1, 2, 3, 4)]
    assert scores == sorted(scores)
    assert scores[0] < scores[3] - 3


def test_expected_tokens_are_better_than_none(
    real: Codec, layered: bytes, photo: Image.Image
) -> None:
    """What is not there is guessed from what is: nearer than with zeros in its place."""
    stream = parse(layered, upto=3)
    y_hat, header = real.decode_latents(stream), stream.header
    known = y_hat == real.decode_latents(parse(layered))
    assert 0.2 < known.all(2).mean() < 0.9
    zeros = np.where(known.all(2, keepdims=True), y_hat, 0)
    guessed, empty = (
        real.synthesise(tokens, header.height, header.width, header.aim)
        for tokens in (y_hat, zeros)
    )
    assert psnr(guessed, pixels(photo)) > psnr(empty, pixels(photo)) + 1


def test_early_groups_are_expected_one_after_the_other(
    real: Codec, layered: bytes, photo: Image.Image
) -> None:
    stream = parse(layered, upto=1)
    header, [layer] = stream.header, stream.layers

    def open_decoder(i: int) -> LayerDecoder:
        return LayerDecoder([layer.parts[i]], [stream.steps[0] * len(real.config.slices)], False)

    found = real.decode_latents(stream)
    pictures = []
    for num_steps in (3, 6):
        code = functools.partial(real.code, found.shape[:2], header.aim, num_steps=num_steps)
        y_hat = code(open_coder=open_decoder).y_hat
        pictures.append(real.synthesise(y_hat, header.height, header.width, header.aim))
    at_once, in_order = pictures
    assert np.array_equal(pixels(real.decompress(layered, upto=1)), in_order)
    assert psnr(in_order, pixels(photo)) > psnr(at_once, pixels(photo))


@pytest.mark.parametrize("threads", [1, 2])
def test_pictures_before_the_last_do_not_depend_on_threads(codec: Codec, threads: int) -> None:
    data = codec.compress(LARGE, layers=3)
    some = codec.on_threads(threads).decompress(data, upto=1)
    assert np.array_equal(pixels(some), pixels(codec.on_threads(3).decompress(data, upto=1)))


def test_samples_differ_and_their_mean_comes_nearer(
    real: Codec, layered: bytes, photo: Image.Image
) -> None:
    one, eight = (real.decompress(layered, upto=3, samples=n) for n in (1, 8))
    assert not np.array_equal(pixels(one), pixels(real.decompress(layered, upto=3)))
    assert psnr(eight, photo) > psnr(one, photo) + 0.5
    assert (one.mode, one.size) == ("RGB", photo.size)


@pytest.mark.parametrize("threads", [1, 3])
def test_samples_are_the_same_everywhere(codec: Codec, threads: int) -> None:
    data = codec.compress(LARGE, layers=3)
    whole = pixels(codec.on_threads(threads).decompress(data, upto=1, samples=3))
    assert np.array_equal(whole, pixels(codec.on_threads(2).decompress(data, upto=1, samples=3)))
    part = codec.decompress(data, upto=1, samples=3, region=(130, 90, 50, 60))
    assert np.array_equal(pixels(part), whole[90:150, 130:180])
    small = codec.decompress(data, upto=1, samples=3, scale=8)
    assert small.size == (38, 28)
    steps = m2t.decompress_steps(io.BytesIO(data), codec, samples=3)
    assert np.array_equal(pixels(next(steps)[1]), whole)


def test_nothing_is_drawn_where_all_is_known(codec: Codec) -> None:
    expected = pixels(codec.decompress(codec.compress(PHOTO)))
    for layers in (1, 3):
        data = codec.compress(PHOTO, layers=layers)
        assert np.array_equal(pixels(codec.decompress(data, samples=2)), expected)


def test_progress_of_samples_ends_at_one(codec: Codec) -> None:
    told: list[float] = []
    codec.decompress(codec.compress(PHOTO, layers=3), told.append, upto=1, samples=3)
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize("samples", [-1, 101, 1.5, None, "1"])
def test_numbers_of_samples_that_cannot_be(codec: Codec, samples: Any) -> None:
    data = codec.compress(PHOTO, layers=3)
    with pytest.raises(ConfigError, match="samples must be"):
        codec.decompress(data, upto=1, samples=samples)


def test_another_process_decodes(codec: Codec, weights: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.m2t"
    file.write_bytes(codec.compress(LARGE, 75, layers=3))
    for upto in (1, 2, 3):
        out = tmp_path / f"{upto}.png"
        command = [sys.executable, "-m", "m2t", "decompress", file, out, "--model", weights]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([*command, "--upto", str(upto)], check=True, env=environment)
        expected = pixels(codec.decompress(file.read_bytes(), upto=upto))
        assert np.array_equal(pixels(Image.open(out)), expected)


@pytest.mark.parametrize("layers", [0, -1, 6, 1000])
def test_layers_that_cannot_be(codec: Codec, layers: int) -> None:
    with pytest.raises(ConfigError, match=r"layers must be in 1\.\.5"):
        codec.compress(PHOTO, layers=layers)


def test_the_file_says_which_weights_steps_need(real: Codec, layered: bytes) -> None:
    steps = m2t.decompress_steps([layered[:-1]])
    assert [next(steps)[0] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Truncated):
        next(steps)
    assert np.array_equal(
        pixels(m2t.decompress(layered, upto=2)), pixels(real.decompress(layered, upto=2))
    )
