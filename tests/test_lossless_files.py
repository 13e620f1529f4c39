"""Lossless files as others may make them, and on the command line."""

import dataclasses
import io
from pathlib import Path

import pytest
from PIL import Image

from m2t.cli import main
from m2t.codec import Codec
from m2t.container import Bitstream, parse, parse_header
from m2t.errors import Corrupt, FormatError, LimitExceeded, Truncated

from .conftest import drawing, photograph, same


@pytest.fixture(scope="module")
def data(light: Codec) -> bytes:
    return light.compress(drawing(), lossless="always")


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
