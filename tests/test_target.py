"""Targets: a size that no file exceeds, a fidelity that every picture reaches."""

import functools
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import m2t
from m2t import Target
from m2t.aiming import psnr
from m2t.codec import Codec
from m2t.container import parse, parse_header
from m2t.engine.score import ssimulacra2
from m2t.image import to_picture
from m2t.pillow import register

from .conftest import photograph

PHOTO = Path(__file__).parents[1] / "examples" / "photo.png"


@functools.cache
def photo() -> Image.Image:
    """A piece of the example, of an odd size."""
    with Image.open(PHOTO) as image:
        return image.convert("RGB").crop((100, 60, 437, 301))


class Counting(Codec):
    """Counts the passes of the entropy network."""

    def __init__(self, codec: Codec) -> None:
        super().__init__(codec.transforms, codec.network, codec.identity, 1)
        self.passes = 0

    def code(self, *args, **options):
        """See Codec."""
        self.passes += 1
        return super().code(*args, **options)


@pytest.mark.parametrize("tune", ["eye", "psnr"])
@pytest.mark.parametrize("effort", [0, 1, 2])
@pytest.mark.parametrize("size", [1500, 4000, 12000])
def test_files_come_near_a_size_and_do_not_exceed_it(light, size, effort, tune):
    codec = Counting(light)
    data = codec.compress(photo(), Target("size", size), tune=tune, effort=effort)
    assert 0.98 * size <= len(data) <= size
    assert codec.passes <= (6 if size > 2000 else 8) + 3 * (effort > 1)
    assert parse_header(data).aim.tune == tune
    assert light.decompress(data).size == photo().size


def test_bits_per_pixel_are_a_size(light):
    width, height = photo().size
    data = light.compress(photo(), Target("bpp", 0.4))
    assert data == light.compress(photo(), Target("size", 0.4 * width * height / 8))
    assert 0.392 <= 8 * len(data) / (width * height) <= 0.4


@pytest.mark.parametrize("tune", ["eye", "psnr"])
@pytest.mark.parametrize("effort", [0, 1])
@pytest.mark.parametrize(
    ("kind", "value", "most"), [("psnr", 31, 0.05), ("psnr", 36, 0.05), ("ssimulacra2", 65, 0.5)]
)
def test_pictures_reach_a_fidelity_and_are_hardly_better(light, kind, value, most, effort, tune):
    codec = Counting(light)
    data = codec.compress(photo(), Target(kind, value), tune=tune, effort=effort)
    assert codec.passes <= 6
    measure = psnr if kind == "psnr" else ssimulacra2
    found = measure(np.asarray(photo()), np.asarray(light.decompress(data)))
    assert value <= found <= value + most


def test_the_picture_is_analysed_once(light, monkeypatch):
    calls = []
    analysis = light.transforms.analysis
    for name in ("run", "sums"):
        method = getattr(analysis, name)
        monkeypatch.setattr(
            analysis, name, lambda *a, _name=name, _m=method: (calls.append(_name), _m(*a))[1]
        )
    light.on_threads(1).compress(photo(), Target("size", 3000))
    assert calls == ["sums"]  # of one band


def test_all_of_the_file_counts(light):
    image = photo().copy()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.info["comment"] = b"a long story " * 40
    with_all = light.compress(image, Target("size", 9000))
    assert 0.98 * 9000 <= len(with_all) <= 9000
    assert light.decompress(with_all).mode == "RGBA"


def test_a_grey_picture_reaches_a_fidelity(light):
    image = photo().convert("L")
    data = light.compress(image, Target("psnr", 33))
    decoded = light.decompress(data)
    assert decoded.mode == "L"
    assert 33 <= psnr(to_picture(image).rgb, to_picture(decoded).rgb) <= 33.05


def test_what_is_met_at_an_end_of_the_dial_stays_there(light):
    small = light.compress(photo(), Target("size", 10**7))
    assert small == light.compress(photo(), 100)
    good = light.compress(photo(), Target("psnr", 5))
    assert parse_header(good).quality <= 2  # PSNR need not fall to the very end


@pytest.mark.parametrize("effort", [0, 1])
@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Target("size", 20), r"cannot be smaller than {bytes:,} bytes at quality 1$"),
        (Target("bpp", 1e-4), r"cannot be smaller than 0\.\d{{4}} bpp at quality 1$"),
        (Target("psnr", 70), r"cannot be nearer than \d\d\.\d\d dB at quality 100$"),
        (Target("ssimulacra2", 99), r"cannot be nearer than a SSIMULACRA2 of \d\d\.\d\d at .* 100"),
    ],
)
def test_what_cannot_be_had_is_told_with_what_is_nearest(light, target, text, effort):
    smallest = len(light.compress(photo(), 1, effort=effort))
    with pytest.raises(m2t.M2TError, match=text.format(bytes=smallest)):
        light.compress(photo(), target, effort=effort, lossless="never")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("ssim", 0.9),
        ("size", 0),
        ("bpp", -1),
        ("psnr", float("nan")),
        ("psnr", "35"),
        ("size", None),
        ("ssimulacra2", 100),
        ("size", float("inf")),
    ],
)
def test_what_is_no_target(kind, value):
    with pytest.raises(m2t.M2TError, match=r"^target"):
        Target(kind, value)


def test_an_untrained_model_comes_near_as_well(codec):
    """Its sizes rise otherwise than those of the model that search starts from."""
    image = photograph(150, 100)
    ends = [len(codec.compress(image, quality)) for quality in (1, 100)]
    target = sum(ends) // 2
    assert 0.95 * target <= len(codec.compress(image, Target("size", target))) <= target


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (500, 7)])
def test_pictures_of_all_shapes(light, size):
    image = photo().resize(size)
    data = light.compress(image, Target("psnr", 25))
    assert psnr(np.asarray(image), np.asarray(light.decompress(data))) >= 25


@pytest.mark.parametrize("effort", [0, 1])
def test_layers_count_for_a_size(light, effort):
    data = light.compress(photo(), Target("size", 4000), effort=effort, layers=12)
    assert len(parse(data).layers) == 12
    assert 0.98 * 4000 <= len(data) <= 4000


def test_layers_of_a_picture_that_reaches_a_fidelity(light):
    one, four = (light.compress(photo(), Target("psnr", 33), layers=n) for n in (1, 4))
    assert parse(four).windows == parse(one).windows


def test_files_do_not_depend_on_threads(light):
    target = Target("size", 5000)
    files = [light.on_threads(n).compress(photo(), target) for n in (1, 3)]
    assert files[0] == files[1]


def test_progress_rises_to_the_end(light):
    shares: list[float] = []
    light.compress(photo(), Target("size", 5000), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_pillow_saves_to_a_target():
    register()
    buffer = io.BytesIO()
    photo().save(buffer, "M2T", quality=Target("size", 4000))
    assert 3920 <= len(buffer.getvalue()) <= 4000
