"""Files that keep every pixel: chosen where they are no larger, read with any weights."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, features
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

import m2t
import m2t.pillow
from m2t import Target
from m2t.codec import Codec
from m2t.container import parse, parse_header
from m2t.container.header import LOSSLESS
from m2t.container.tiles import TILE_SIDE, boxes
from m2t.errors import ConfigError, Truncated
from m2t.image import ImageWarning, to_picture
from m2t.lossless import sample

from .conftest import drawing, photograph, same
from .image_files import SRGB


@pytest.fixture(scope="module")
def data(light: Codec) -> bytes:
    return light.compress(drawing(), lossless="always")


def test_auto_takes_the_smaller_file(light: Codec, data: bytes) -> None:
    lossy = light.compress(drawing(), lossless="never")
    assert len(data) < len(lossy)
    found = light.compress(drawing())
    assert len(found) == len(data)
    assert (parse_header(found).version, parse_header(lossy).version) == (LOSSLESS, 1)
    assert parse_header(found).aim == parse_header(lossy).aim
    assert same(m2t.decompress(found), drawing())


def test_auto_leaves_photographs_as_they_were(light: Codec) -> None:
    photo = photograph(300, 200)
    assert light.compress(photo) == light.compress(photo, lossless="never")
    low = light.compress(drawing(), 1)
    assert low == light.compress(drawing(), 1, lossless="never")
    assert len(low) < len(light.compress(drawing(), 1, lossless="always"))


def test_photographs_are_not_coded_whole_to_find_out(light: Codec, monkeypatch) -> None:
    sizes = []
    save = Image.Image.save

    def spy(image: Image.Image, *args, **options) -> None:
        sizes.append(image.size)
        save(image, *args, **options)

    monkeypatch.setattr(Image.Image, "save", spy)
    light.compress(photograph(600, 500))
    assert sizes == [(256, 256)]


@pytest.mark.parametrize("size", [(1, 1), (3000, 7), (7, 3000), (300, 257), (256, 256), (900, 50)])
def test_samples_are_of_any_picture(size: tuple[int, int]) -> None:
    some = sample(np.asarray(photograph(*size)))
    assert some.shape[2] == 3
    assert 0.7 * min(size[0] * size[1], 256**2) <= some.size / 3 <= 256**2


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_mode_and_metadata_come_back(light: Codec, mode: str) -> None:
    image = photograph(50, 40).convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda a: a or 1))
    image.info |= {"icc_profile": SRGB, "comment": b"a comment"}
    decoded = m2t.decompress(light.compress(image, lossless="always"))
    assert same(decoded, image)
    assert decoded.info["icc_profile"] == SRGB
    assert decoded.info["comment"] == b"a comment"


@pytest.mark.parametrize("scale", [1, 2])
def test_what_nobody_sees_costs_little_and_goes_on_smoothly(light: Codec, scale: int) -> None:
    image, opacity = drawing(), Image.new("L", (300, 200))
    ImageDraw.Draw(opacity).ellipse((20, 20, 200, 190), fill=255)
    noisy = Image.composite(image, photograph(300, 200), opacity)
    image.putalpha(opacity)
    noisy.putalpha(opacity)
    data = light.compress(noisy, lossless="always")
    assert len(data) < 1.1 * len(light.compress(image, lossless="always"))
    decoded = light.decompress(data, scale=scale, region=(10, 10, 200, 100))
    wanted = to_picture(image)
    assert wanted.alpha is not None
    region = slice(10, 110), slice(10, 210)
    for plane, found in ((wanted.rgb, slice(3)), (wanted.alpha, 3)):
        small = Image.fromarray(plane[region]).reduce(scale)
        assert np.array_equal(np.asarray(decoded)[..., found], np.asarray(small))


def test_opacity_is_decoded_once(light: Codec, monkeypatch) -> None:
    image = drawing()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    data = light.compress(image, lossless="always")
    opened = []

    def spy(file: io.BytesIO) -> PngImageFile:
        opened.append(PngImageFile(file))
        return opened[-1]

    monkeypatch.setattr("m2t.image.alpha.PngImageFile", spy)
    light.decompress(data)
    assert len(opened) == 1


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(TILE_SIDE + 9, 21), (5, TILE_SIDE + 3), (60, 40)])
def test_tiles_regions_and_small_pictures(light: Codec, size: tuple[int, int], scale: int) -> None:
    image = photograph(*size)
    data = light.compress(image, lossless="always")
    assert len(parse(data).tiles) == len(boxes(*size))
    small = light.decompress(data, scale=scale)
    assert same(small, image.reduce(scale))
    x, y = size[0] - size[0] // 3, size[1] - size[1] // 3
    region = (x, y, size[0] - x, size[1] - y)
    part = np.asarray(light.decompress(data, region=region, scale=scale))
    assert np.array_equal(part, np.asarray(small)[y // scale :, x // scale :])


def test_no_other_tiles_are_decoded(light: Codec, monkeypatch) -> None:
    data = light.compress(photograph(TILE_SIDE + 9, 9), lossless="always")
    opened = []

    def spy(file: io.BytesIO) -> WebPImageFile:
        opened.append(WebPImageFile(file))
        return opened[-1]

    monkeypatch.setattr("m2t.lossless.WebPImageFile", spy)
    light.decompress(data, region=(TILE_SIDE + 1, 2, 3, 4))
    assert [image.size for image in opened] == [(9, 9)]


def test_a_size_is_met_without_loss_or_else_with(light: Codec, data: bytes) -> None:
    limit = Target("size", len(data))
    assert parse_header(light.compress(drawing(), limit, lossless="always")).lossless
    below = Target("size", len(data) - 1)
    with pytest.warns(ImageWarning, match="without loss it takes"):
        found = light.compress(drawing(), below, lossless="always")
    assert len(found) < len(data)
    assert not parse_header(found).lossless


def test_a_fidelity_that_no_quality_reaches_is_reached_without_loss(light: Codec) -> None:
    with pytest.raises(ConfigError, match="cannot be nearer"):
        light.compress(drawing(), Target("psnr", 60), lossless="never")
    for choice in ("auto", "always"):
        found = light.compress(drawing(), Target("psnr", 60), lossless=choice)
        assert same(light.decompress(found), drawing())
    with pytest.raises(ConfigError, match="cannot be smaller"):  # and no warning
        light.compress(drawing(), Target("size", 40))


def test_layers_give_way(light: Codec, data: bytes) -> None:
    found = light.compress(drawing(), layers=4)
    assert len(found) == len(data)
    assert [layer for layer, _ in m2t.decompress_steps(io.BytesIO(found))] == [1]
    with pytest.raises(Truncated, match="truncated"):
        light.decompress(found[:-1], partial=True)


def test_a_codec_of_any_weights_reads_it(codec: Codec, data: bytes) -> None:
    assert same(codec.decompress(data), drawing())
    assert codec.verified(data) is None
    with pytest.raises(ConfigError, match="it has no tokens"):
        codec.estimate(data)


def test_progress_goes_to_1(light: Codec, data: bytes) -> None:
    shares: list[float] = []
    light.decompress(data, shares.append)
    light.compress(drawing(), lossless="always", progress=shares.append)
    assert shares == [1, 1]


def test_bad_choices(light: Codec) -> None:
    with pytest.raises(ConfigError, match="lossless must be one of never, auto, always, not maybe"):
        light.compress(drawing(), lossless="maybe")  # pyright: ignore
    for quality in (0, 101, 5.5):
        with pytest.raises(ConfigError):
            light.compress(drawing(), quality, lossless="always")  # pyright: ignore


def test_a_pillow_without_webp(light: Codec, monkeypatch) -> None:
    check = features.check
    monkeypatch.setattr(features, "check", lambda name: name != "webp" and check(name))
    assert not parse_header(light.compress(drawing())).lossless


def test_pillow(tmp_path: Path) -> None:
    m2t.pillow.register()
    path = tmp_path / "a.m2t"
    for option, lossless in ((True, True), ("always", True), (False, False), ("never", False)):
        drawing().save(path, lossless=option)
        with Image.open(path) as image:
            assert image.info["lossless"] == lossless
            assert same(image, drawing()) == lossless
        with Image.open(path) as image:
            image.draft(None, (150, 100))
            assert image.size == (150, 100)
            image.load()
