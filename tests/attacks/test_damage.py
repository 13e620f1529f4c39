"""What is damaged is noticed, and named; with `partial`, all windows that are intact are shown."""

import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m2t.cli import main
from m2t.container import parse
from m2t.errors import FormatError
from m2t.image import ImageWarning
from research.attacks.layouts import in_strips

from ..conftest import photograph
from .arena import check
from .m2t_files import codec, cut, put, sound

LARGE = photograph(380, 100, seed=2)  # 24x7 tokens: eight windows


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


def flipped(data: bytes, place: int, mask: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def partly(data: bytes) -> tuple[np.ndarray, str]:
    """The picture of a file that is damaged, and the warning."""
    with pytest.warns(ImageWarning) as found:
        image = codec().decompress(data, partial=True)
    [warning] = found
    return pixels(image), str(warning.message)


def test_damage_names_its_chunk() -> None:
    data = sound("full")
    head, chunks = cut(data)
    place = len(head)
    for chunk in chunks:
        with pytest.raises(FormatError, match=rf"^chunk '{chunk[0]}' at byte {place} is damaged$"):
            codec().decompress(flipped(data, place + 6))
        place += len(put(b"", [chunk]))


@pytest.mark.parametrize("layout", ["one", "strips"])
def test_other_windows_than_the_damaged_one_are_shown(layout: str) -> None:
    data = codec().compress(LARGE, 60)
    data = in_strips(codec(), data) if layout == "strips" else data
    whole, streams = pixels(codec().decompress(data)), parse(data).windows
    for i, stream in enumerate(streams):
        for at in (0, len(stream) // 2, len(stream) - 1):
            damaged = flipped(data, data.index(stream) + at, 1 << at % 8)
            found, told = partly(damaged)
            assert f"is damaged: 1 of {len(streams)} windows grey, at {16 * 6 * (i % 4)}," in told
            differs = (found != whole).any((0, 2))
            # The synthesis looks three tokens and more beyond a window's edge.
            near = np.abs(np.arange(380) - (96 * (i % 4) + 48)) < 48 + 100
            assert differs.any()
            assert not differs[~near].any()


def test_what_is_expected_stands_for_what_a_layer_lost() -> None:
    data = codec().compress(LARGE, 60, layers=3)
    stream = parse(data)
    before = pixels(codec().decompress(data, upto=2))
    part = stream.layers[2].parts[5]
    found, told = partly(flipped(data, data.index(part) + 2))
    assert "1 of 8 windows coarse, at 96,64,96,36" in told
    rows = slice(70, 100)
    assert np.array_equal(found[rows, 140:150], before[rows, 140:150]) or (found != before).any()
    assert not np.array_equal(found, before)


def test_damaged_lengths_and_types_lose_no_pixel_where_the_rest_tells_them() -> None:
    data = codec().compress(LARGE, 60)
    whole = pixels(codec().decompress(data))
    head, _ = cut(data)
    for place in (len(head), len(head) + 1, len(data) - 1, len(data) - 4):
        found, told = partly(flipped(data, place, 2))
        assert "no pixel is lost" in told
        assert np.array_equal(found, whole)


def test_metadata_and_alpha_that_are_damaged_are_left_out() -> None:
    data = sound("full")
    whole = codec().decompress(data)
    head, chunks = cut(data)
    place = len(head)
    for kind, payload in chunks[:-1]:
        found, told = partly(flipped(data, place + 5))
        assert told == f"chunk '{kind}' at byte {place} is damaged: no pixel is lost"
        assert np.array_equal(found[..., :3], pixels(whole)[..., :3])
        assert found.shape[2] == (3 if kind == "A" else 4)
        found, told = partly(flipped(data, place + 1, 3))  # its length: what follows is found again
        assert np.array_equal(found[..., :3], pixels(whole)[..., :3])
        place += len(put(b"", [(kind, payload)]))


def test_what_is_cut_shows_its_first_windows() -> None:
    data = codec().compress(LARGE, 60)
    whole, streams = pixels(codec().decompress(data)), parse(data).windows
    for lost in range(1, 5):
        found, told = partly(data[: data.index(streams[-lost]) + 3])
        assert f"truncated at byte {data.index(streams[-lost]) + 3}" in told
        assert f": {lost} of 8 windows grey, at " in told
        assert not np.array_equal(found, whole)
        if lost == 1:  # far from the last window
            assert np.array_equal(found[:, :180], whole[:, :180])
    with pytest.raises(FormatError, match=r"truncated at byte .* no window of it is intact"):
        codec().decompress(data[: data.index(streams[0]) + 9], partial=True)


def test_a_region_needs_its_own_windows_alone() -> None:
    data = codec().compress(LARGE, 60)
    damaged = flipped(data, data.index(parse(data).windows[0]) + 3)
    region = (300, 70, 80, 30)
    expected = pixels(codec().decompress(data, region=region))
    with pytest.warns(ImageWarning, match="no pixel is lost"):
        found = codec().decompress(damaged, region=region, partial=True)
    assert np.array_equal(pixels(found), expected)


def test_nothing_is_shown_of_a_damaged_header() -> None:
    data = sound("one")
    for place in range(len(cut(data)[0])):
        with pytest.raises(FormatError):
            codec().decompress(flipped(data, place), partial=True)


@pytest.mark.parametrize("kind", ["one", "strips", "layers", "full"])
def test_any_damage_is_survived(kind: str) -> None:
    """Whatever is changed: a picture of the right size and a warning, or one line."""
    rng, data = random.Random(kind), sound(kind)
    shape = pixels(codec().decompress(data)).shape[:2]
    num_shown = 0
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 5))):
            damaged[rng.randrange(25, len(data))] = rng.randrange(256)
        some = bytes(damaged)[: rng.choice((len(data), len(data), rng.randrange(25, len(data))))]
        if some == data:
            continue
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                image = codec().decompress(some, partial=True)
            except FormatError:
                continue
        assert pixels(image).shape[:2] == shape
        assert told
        num_shown += 1
    assert num_shown


def test_lengths_that_lie_cost_nothing_with_partial() -> None:
    data = sound("one")
    head, _ = cut(data)
    hostile = [b"L\xff" * 200_000, b"S" + b"\xff" * 100_000, b"L\x05" * 300_000, b"i" * 500_000]
    files = [(repr(some[:4]), head + some) for some in hostile]
    assert check("partial", files, data) == len(files)


def test_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    data = codec().compress(LARGE, 60)
    Path("a.m2t").write_bytes(flipped(data, data.index(parse(data).windows[3]) + 5))
    Path("b.m2t").write_bytes(flipped(data, 7))
    model = str(Path(__file__).parents[1] / "tiny.safetensors")
    assert main(["decompress", "a.m2t", "--model", model]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"m2t: error: a.m2t: chunk 'L' at byte {len(cut(data)[0])} is damaged"
    assert not Path("a.png").exists()
    options = ["--partial", "--out-dir", "out", "--model", model]
    assert main(["decompress", "b.m2t", "a.m2t", *options]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "m2t: error: b.m2t: header is damaged"
    assert lines[1].startswith("m2t: warning: a.m2t: chunk 'L' at byte ")
    assert lines[1].endswith(" is damaged: 1 of 8 windows grey, at 288,0,92,64")
    assert main(["decompress", "a.m2t", *options, "-f"]) == 0
    assert [path.name for path in Path("out").iterdir()] == ["a.png"]
