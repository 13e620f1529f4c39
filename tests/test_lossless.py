"""Files that keep every pixel: chosen where they are no larger, read with any weights."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, features
from PIL.WebPImagePlugin import WebPImageFile

import m2t
import m2t.pillow
from m2t import Target
from m2t.cli import main
from m2t.codec import Codec
from m2t.container import Bitstream, parse, parse_header
from m2t.container.header import LOSSLESS
from m2t.container.tiles import TILE_SIDE, boxes
from m2t.errors import ConfigError, Corrupt, FormatError, LimitExceeded, Truncated
from m2t.image import ImageWarning, to_picture
from m2t.lossless import sample

from .conftest import photograph


def drawing(width: int = 300, height: int = 200) -> Image.Image:
    """Letters and boxes without noise."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for top in range(4, height - 12, 14):
        draw.text((6, top), "m2t keeps pages of text as they are, 0123456789", (0, 0, 120))
    draw.rectangle((width // 2, 0, width, height // 3), "red")
    return image


def same(a: Image.Image, b: Image.Image) -> bool:
    return a.mode == b.mode and np.array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture(scope="module")
def light() -> Codec:
    return m2t.load()


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
    image.info |= {"icc_profile": b"profile", "comment": b"a comment"}
    decoded = m2t.decompress(light.compress(image, lossless="always"))
    assert same(decoded, image)
    assert decoded.info["icc_profile"] == b"profile"
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
    with pytest.raises(ConfigError, match="cannot be smaller"), pytest.warns(ImageWarning):
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


def webp(image: Image.Image, **options) -> bytes:
    """A WebP file's first chunk after the head, as a tile."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", **options)
    return buffer.getvalue()[20:]


HOSTILE = {
    "another size": webp(drawing(299, 200), lossless=True),
    "a huge size": b"\x2f\xff\xff\xff\x0f" + bytes(40),
    "opacity": webp(Image.new("RGBA", (300, 200), (1, 2, 3, 4)), lossless=True),
    "lossy": webp(drawing()),
    "animated": webp(drawing(), lossless=True, save_all=True, append_images=[photograph(300, 200)]),
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(30),
    "nothing": b"",
    "a head": webp(drawing(), lossless=True)[:5],
    "half of it": webp(drawing(), lossless=True)[:500],
    "another version": b"\x2f" + (299 | 199 << 14 | 1 << 29).to_bytes(4, "little") + bytes(50),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_tiles_are_refused(light: Codec, data: bytes, what: str) -> None:
    wrong = dataclasses.replace(parse(data), tiles=[HOSTILE[what]]).pack()
    with pytest.raises(Corrupt):
        light.decompress(wrong)
    with pytest.raises(Corrupt):
        light.verified(wrong)


def test_the_number_of_tiles_is_that_of_the_picture(data: bytes) -> None:
    stream = parse(data)
    for tiles in ([], stream.tiles * 2):
        with pytest.raises(FormatError):
            parse(dataclasses.replace(stream, tiles=tiles).pack())


def test_damage_is_noticed(data: bytes) -> None:
    for num_bytes in [*range(60), len(data) - 1]:
        with pytest.raises(Truncated):
            parse(data[:num_bytes])
    for i in range(0, 8 * len(data), 61):
        damaged = bytearray(data)
        damaged[i // 8] ^= 1 << i % 8
        with pytest.raises(FormatError):
            parse(bytes(damaged))


def test_the_head_of_a_lossless_file_is_13_bytes(data: bytes) -> None:
    assert len(Bitstream(parse_header(data), []).pack_head()) == 13


def test_the_limit_of_pixels(light: Codec, data: bytes) -> None:
    with pytest.raises(LimitExceeded, match="300x200 pixels are more than the limit of 1,000"):
        light.decompress(data, max_pixels=1000)


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


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """page.png in the current folder."""
    monkeypatch.chdir(tmp_path)
    drawing().save("page.png")
    return Path("page.png")


def test_the_command(page: Path, capsys) -> None:
    assert main(["compress", "page.png"]) == 0
    assert ", lossless, " in capsys.readouterr().err
    assert main(["decompress", "page.m2t", "back.png"]) == 0
    assert same(Image.open("back.png"), drawing())
    capsys.readouterr()
    assert main(["info", "page.m2t", "--verify"]) == 0
    out = capsys.readouterr().out
    assert "format    version 3, lossless\ntiles     1, " in out
    assert "pixels    sha256 " in out
    assert main(["verify", "page.m2t"]) == 0
    assert main(["compare", "page.png", "page.m2t"]) == 0
    assert "100.00 dB" in capsys.readouterr().out


def test_inspect_is_one_clear_line(page: Path, capsys) -> None:
    pytest.importorskip("matplotlib")
    assert main(["compress", "page.png"]) == 0
    capsys.readouterr()
    assert main(["inspect", "page.m2t", "--out", "out"]) == 1
    assert capsys.readouterr().err == "m2t: error: page.m2t: is lossless: it has no tokens\n"
    assert not Path("out").exists()


def test_damage_on_the_command_line(page: Path, capsys) -> None:
    assert main(["compress", "page.png", "--lossless", "always"]) == 0
    stream = parse(Path("page.m2t").read_bytes())
    Path("bad.m2t").write_bytes(dataclasses.replace(stream, tiles=[HOSTILE["half of it"]]).pack())
    capsys.readouterr()
    assert main(["decompress", "bad.m2t", "page.m2t", "--out-dir", "out"]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1
    assert lines[0].startswith("m2t: error: bad.m2t: damaged tile")
    assert [path.name for path in Path("out").iterdir()] == ["page.png"]


def test_folders_are_made_again_for_another_choice(page: Path, capsys) -> None:
    """auto takes what is there for its quality, the others only what is as they want it."""
    for choice, made, lossless in [
        ("auto", 1, True),
        ("auto", 0, True),
        ("never", 1, False),
        ("never", 0, False),
        ("auto", 0, False),
        ("always", 1, True),
        ("always", 0, True),
    ]:
        assert main(["compress", "-r", ".", "--out-dir", "out", "--lossless", choice]) == 0
        assert capsys.readouterr().err.startswith(f"{made} made")
        assert parse_header(Path("out/page.m2t").read_bytes()).lossless == lossless
