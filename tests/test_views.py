"""Parts of pictures and small ones: the same pixels as the whole's, for less work."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from m2t.cli import main
from m2t.codec import Codec
from m2t.container import parse
from m2t.errors import ConfigError, FormatError, LimitExceeded, Truncated
from m2t.image import ImageWarning
from m2t.lapped.preview import Preview
from m2t.lapped.transforms import LappedTransforms
from m2t.rans import Decoder, LayerDecoder

from .conftest import photograph

WIDTH, HEIGHT = 331, 278
"""Of several windows in each direction: a window of the tiny model has at most 96 pixels."""


@pytest.fixture(scope="module")
def data(codec: Codec) -> bytes:
    image = photograph(WIDTH, HEIGHT)
    image.putalpha(photograph(WIDTH, HEIGHT, seed=1).convert("L"))
    return codec.compress(image, 60)


@pytest.fixture(scope="module")
def whole(codec: Codec, data: bytes) -> dict[int, np.ndarray]:
    """The whole picture, by scale."""
    return {scale: np.asarray(codec.decompress(data, scale=scale)) for scale in (1, 2, 4, 8)}


@st.composite
def regions(draw: st.DrawFn) -> tuple[int, int, int, int]:
    x, y = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    return x, y, draw(st.integers(1, WIDTH - x)), draw(st.integers(1, HEIGHT - y))


@given(regions(), st.sampled_from([1, 2, 4, 8]))
def test_a_region_is_the_same_part_of_the_whole(codec, data, whole, region, scale) -> None:
    x, y, width, height = region
    part = np.asarray(codec.decompress(data, region=region, scale=scale))
    rows = slice(y // scale, -(-(y + height) // scale))
    columns = slice(x // scale, -(-(x + width) // scale))
    assert np.array_equal(part, whole[scale][rows, columns])


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_small_pictures_are_like_the_whole_made_small(codec: Codec, whole, scale: int) -> None:
    planes = Image.fromarray(whole[1]).split()  # all at once, colours would be weighted by opacity
    wanted = np.stack([np.asarray(plane.reduce(scale)) for plane in planes], axis=-1)
    found = whole[scale]
    assert found.shape == wanted.shape == (-(-HEIGHT // scale), -(-WIDTH // scale), 4)
    assert np.array_equal(found[..., 3], wanted[..., 3])
    error = np.square(found[..., :3].astype(float) - wanted[..., :3]).mean()
    assert error <= (0 if scale == 2 else 12)


@pytest.mark.parametrize("size", [(1, 1), (9, 17), (7, 200)])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_small_pictures_of_any_size(codec: Codec, size: tuple[int, int], scale: int) -> None:
    image = codec.decompress(codec.compress(photograph(*size).convert("L")), scale=scale)
    assert image.size == tuple(-(-side // scale) for side in size)
    assert image.mode == "L"


def test_bands_and_threads_do_not_matter(codec: Codec, data: bytes, whole, monkeypatch) -> None:
    monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_BAND", 30)
    for num_threads in (1, 3):
        for scale in (4, 8):
            small = np.asarray(codec.on_threads(num_threads).decompress(data, scale=scale))
            assert np.array_equal(small, whole[scale])


def test_what_paints_small_pictures_is_made_once_for_a_codec(codec, data, whole, monkeypatch):
    made: list[int] = []

    class Counted(Preview):
        def __init__(self, *args: Any) -> None:
            made.append(args[-1])
            super().__init__(*args)

    monkeypatch.setattr("m2t.lapped.transforms.Preview", Counted)
    transforms = codec.transforms
    fresh = LappedTransforms(
        codec.config, transforms.tensors, transforms.ops, transforms.distortions
    )
    mine = Codec(fresh, codec.network, codec.identity)
    for scale in (4, 8, 4, 8):
        small = np.asarray(mine.decompress(data, scale=scale))
        assert np.array_equal(small, whole[scale])
    assert made == [4, 8]


def test_no_other_windows_are_decoded(codec: Codec, data: bytes, monkeypatch) -> None:
    opened = []
    monkeypatch.setattr("m2t.streams.Decoder", lambda data: opened.append(data) or Decoder(data))
    codec.decompress(data, region=(0, 0, 1, 1))
    assert opened == parse(data).windows[:1]
    opened.clear()
    codec.decompress(data)
    assert len(opened) == len(parse(data).windows) == 12


@pytest.fixture(scope="module")
def layered(codec: Codec) -> bytes:
    return codec.compress(photograph(WIDTH, HEIGHT), 60, layers=3)


@pytest.mark.parametrize("scale", [1, 2, 8])
@pytest.mark.parametrize("upto", [1, 2, None])
@pytest.mark.parametrize("box", [(104, 48, 224, 184), (0, 0, 256, 208)])
def test_a_region_of_some_layers_is_part_of_their_picture(codec, layered, box, upto, scale) -> None:
    whole = codec.decompress(layered, upto=upto, scale=scale)
    region = (*box[:2], box[2] - box[0], box[3] - box[1])
    part = codec.decompress(layered, upto=upto, scale=scale, region=region)
    box = [side // scale for side in box]
    assert np.array_equal(np.asarray(part), np.asarray(whole.crop(box)))


@pytest.mark.parametrize("view", [{"scale": 4}, {"region": (100, 50, 90, 7)}])
def test_views_of_a_file_that_ends_too_early(codec: Codec, layered: bytes, view: dict) -> None:
    with pytest.raises(Truncated):
        codec.decompress(layered[:-1], **view)
    with pytest.warns(ImageWarning, match="2 of 3 layers"):
        image = codec.decompress(layered[:-1], partial=True, **view)
    assert np.array_equal(np.asarray(image), np.asarray(codec.decompress(layered, upto=2, **view)))


def test_no_other_windows_of_layers_are_decoded(codec: Codec, layered: bytes, monkeypatch) -> None:
    opened = []

    def decoder(parts: list[bytes], *rest: Any) -> LayerDecoder:
        opened.append(parts)
        return LayerDecoder(parts, *rest)

    monkeypatch.setattr("m2t.streams.LayerDecoder", decoder)
    codec.decompress(layered, region=(WIDTH - 1, HEIGHT - 1, 1, 1))
    assert opened == [[layer.parts[-1] for layer in parse(layered).layers]]


def test_progress_of_a_region_goes_to_1(codec: Codec, data: bytes) -> None:
    shares: list[float] = []
    codec.decompress(data, shares.append, region=(5, 5, 20, 20))
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize(
    "region",
    [(0, 0, WIDTH + 1, 1), (WIDTH, 0, 1, 1), (0, HEIGHT - 1, 1, 2), (-1, 0, 5, 5), (3, 3, 0, 1)],
)
def test_regions_outside_the_picture_are_refused(codec: Codec, data: bytes, region) -> None:
    with pytest.raises(ConfigError, match=f"is not inside the picture of {WIDTH}x{HEIGHT}"):
        codec.decompress(data, region=region)


@pytest.mark.parametrize(
    ("view", "match"),
    [
        ({"region": (1, 2, 3)}, "x, y, width, height"),
        ({"region": (1, 2, 3, 4.5)}, "whole number"),
        ({"scale": 3}, "scale must be"),
        ({"scale": 2.0}, "whole number"),
    ],
)
def test_bad_views(codec: Codec, data: bytes, view: dict, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        codec.decompress(data, **view)


def test_the_limit_of_pixels(codec: Codec, data: bytes) -> None:
    with pytest.raises(LimitExceeded, match="331x278 pixels are more than the limit of 1,000"):
        codec.decompress(data, max_pixels=1000)
    assert codec.decompress(data, region=(9, 9, 40, 25), max_pixels=1000).size == (40, 25)


def test_damage_elsewhere_in_the_file_is_found(codec: Codec, data: bytes) -> None:
    """The container's checksum covers the whole file, whatever is decoded of it."""
    damaged = bytearray(data)
    damaged[-20] ^= 1
    with pytest.raises(FormatError):
        codec.decompress(bytes(damaged), region=(0, 0, 8, 8))


@pytest.fixture
def files(data: bytes, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """a.m2t in the current folder; what decompresses it with the tiny model."""
    monkeypatch.chdir(tmp_path)
    Path("a.m2t").write_bytes(data)
    return ["decompress", "--model", str(weights)]


def test_region_and_scale_on_the_command_line(files: list[str], whole) -> None:
    assert main([*files, "--region", "10,20,100,50", "--scale", "1/2", "a.m2t", "b.png"]) == 0
    assert np.array_equal(np.asarray(Image.open("b.png")), whole[2][10:35, 5:55])


def test_a_region_outside_is_one_line_and_others_go_on(files, codec, capsys) -> None:
    Path("small.m2t").write_bytes(codec.compress(photograph(30, 30)))
    paths = ["small.m2t", "a.m2t", "--out-dir", "out"]
    assert main([*files, "--region", "40,40,9,9", *paths]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    text = "region 40,40,9,9 is not inside the picture of 30x30"
    assert lines == [f"m2t: error: small.m2t: {text}"]
    assert [path.name for path in Path("out").iterdir()] == ["a.png"]


@pytest.mark.parametrize("region", ["1,2,3", "a,b,c,d", "1,2,3,-4", ""])
def test_what_is_no_region_is_wrong_usage(files: list[str], region: str, capsys) -> None:
    assert main([*files, "--region", region, "a.m2t"]) == 2
    assert "four whole numbers" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compress", "decompress", "verify"])
def test_max_pixels_on_the_command_line(files, weights: Path, command: str, capsys) -> None:
    photograph(40, 30).save("b.png")
    source = "b.png" if command == "compress" else "a.m2t"
    assert main([command, "--model", str(weights), "--max-pixels", "1000", source]) == 1
    assert "pixels are more than the limit of 1,000" in capsys.readouterr().err
    assert {path.name for path in Path().iterdir()} == {"a.m2t", "b.png"}
    assert main([command, "--model", str(weights), "--max-pixels", "100000", source]) == 0


def test_pillow_s_own_limit_is_not_the_command_s(files, weights: Path, monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    photograph(90, 70).save("b.png")
    assert main(["compress", "--model", str(weights), "b.png"]) == 0
    assert main([*files, "a.m2t"]) == 0
    assert Image.MAX_IMAGE_PIXELS == 1000
