"""Progressive files: the picture of one without layers, and before it others that get sharper."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import m2t
from m2t.cli import main
from m2t.codec import Codec
from m2t.container import parse
from m2t.errors import ConfigError, Corrupt, FormatError, Truncated
from m2t.eval.metrics import psnr
from m2t.image import ImageWarning

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


@pytest.mark.parametrize("threads", [1, 2])
def test_pictures_before_the_last_do_not_depend_on_threads(codec: Codec, threads: int) -> None:
    data = codec.compress(LARGE, layers=3)
    some = codec.on_threads(threads).decompress(data, upto=1)
    assert np.array_equal(pixels(some), pixels(codec.on_threads(3).decompress(data, upto=1)))


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


def test_every_prefix_is_a_picture_or_an_error(codec: Codec) -> None:
    data = codec.compress(photograph(60, 40), 30, layers=3)
    whole = [pixels(codec.decompress(data, upto=i)) for i in (1, 2, 3)]
    seen = set()
    for num_bytes in range(len(data)):
        with pytest.raises(FormatError):
            codec.decompress(data[:num_bytes])
        try:
            parse(data[:num_bytes], partial=True)
        except FormatError:
            with pytest.raises(Truncated):
                codec.decompress(data[:num_bytes], partial=True)
            continue
        with pytest.warns(ImageWarning, match=r"^truncated: [12] of 3 layers, \d+ % of the bytes$"):
            image = codec.decompress(data[:num_bytes], partial=True)
        [layer] = [i for i in (0, 1) if np.array_equal(pixels(image), whole[i])]
        seen.add(layer)
    assert seen == {0, 1}


@pytest.mark.filterwarnings("error")
def test_nothing_is_warned_of_where_nothing_is_missing(codec: Codec) -> None:
    data = codec.compress(PHOTO, 30, layers=3)
    codec.decompress(data, partial=True)
    codec.decompress(data, upto=2, partial=True)
    codec.decompress(data[:-1], upto=2)
    codec.decompress(codec.compress(PHOTO), upto=2, partial=True)


def test_exchanged_parts_are_noticed_in_their_layer(codec: Codec) -> None:
    """Behind the checksums of chunks: those of the tokens, and the ends of parts."""
    stream = parse(codec.compress(PHOTO, 60, layers=3))
    for i in range(3):
        for change in (reversed, lambda parts: [parts[0] + b"\0" * 4, *parts[1:]]):
            parts = stream.layers[i].parts
            stream.layers[i].parts[:] = list(change(list(parts)))
            bad = stream.pack()
            if i:
                codec.decompress(bad, upto=i)
            with pytest.raises(FormatError):
                codec.decompress(bad, upto=i + 1)
            stream = parse(codec.compress(PHOTO, 60, layers=3))


def test_a_wrong_checksum_names_its_layer(codec: Codec) -> None:
    stream = parse(codec.compress(PHOTO, 60, layers=3))
    object.__setattr__(stream.layers[1], "latents_crc", stream.layers[1].latents_crc ^ 1)
    codec.decompress(stream.pack(), upto=1)
    with pytest.raises(Corrupt, match="latents of layer 2 do not match"):
        codec.decompress(stream.pack(), upto=2)


def test_damaged_parts_never_crash_the_decoder(codec: Codec) -> None:
    rng = np.random.default_rng(0)
    data = codec.compress(PHOTO, 60, layers=3)
    for _ in range(40):
        stream = parse(data)
        parts = stream.layers[rng.integers(3)].parts
        i = rng.integers(len(parts))
        if parts[i]:
            damaged = bytearray(parts[i])
            damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
            parts[i] = bytes(damaged)
            with pytest.raises(FormatError):
                codec.decompress(stream.pack())


@pytest.mark.parametrize("layers", [0, -1, 6, 1000])
def test_layers_that_cannot_be(codec: Codec, layers: int) -> None:
    with pytest.raises(ConfigError, match=r"layers must be in 1\.\.5"):
        codec.compress(PHOTO, layers=layers)


def test_steps_of_arriving_bytes(codec: Codec) -> None:
    data = codec.compress(PHOTO, 60, layers=3)
    expected = [pixels(codec.decompress(data, upto=i)) for i in (1, 2, 3)]
    for source in (io.BytesIO(data), [data], (data[i : i + 7] for i in range(0, len(data), 7))):
        found = list(m2t.decompress_steps(source, codec))
        assert [layer for layer, _ in found] == [1, 2, 3]
        assert all(np.array_equal(pixels(a), b) for (_, a), b in zip(found, expected, strict=True))


def test_steps_come_as_soon_as_their_bytes(codec: Codec) -> None:
    data = codec.compress(PHOTO, 60, layers=3)
    given = 0

    def pieces():
        nonlocal given
        for byte in data:
            given += 1
            yield bytes([byte])

    for layer, _ in m2t.decompress_steps(pieces(), codec):
        assert len(parse(data[:given], partial=True).layers) == layer
        with pytest.raises(Truncated):
            parse(data[: given - 1], upto=layer)
    assert given == len(data)


def test_steps_of_a_file_without_layers_are_one(codec: Codec) -> None:
    data = codec.compress(PHOTO)
    [(layer, image)] = m2t.decompress_steps(io.BytesIO(data), codec)
    assert layer == 1
    assert np.array_equal(pixels(image), pixels(codec.decompress(data)))


def test_the_file_says_which_weights_steps_need(real: Codec, layered: bytes) -> None:
    steps = m2t.decompress_steps([layered[:-1]])
    assert [next(steps)[0] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Truncated):
        next(steps)
    assert np.array_equal(
        pixels(m2t.decompress(layered, upto=2)), pixels(real.decompress(layered, upto=2))
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Image.Image) -> Path:
    monkeypatch.chdir(tmp_path)
    photo.save("a.png")
    return tmp_path


def run(*args: object) -> int:
    return main([str(arg) for arg in args])


def test_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compress", "a.png", "--progressive") == 0
    assert run("compress", "a.png", "b.m2t", "--layers", 6) == 0
    assert run("compress", "a.png", "c.m2t", "--layers", 1) == 0
    data = [Path(f"{name}.m2t").read_bytes() for name in "abc"]
    assert [len(parse(some).layers) for some in data] == [4, 6, 0]
    assert run("decompress", "a.m2t", "x.png") == run("decompress", "c.m2t", "y.png") == 0
    assert np.array_equal(pixels("x.png"), pixels("y.png"))
    assert run("decompress", "a.m2t", "z.png", "--upto", 2) == 0
    assert np.array_equal(pixels("z.png"), pixels(m2t.decompress(data[0], upto=2)))
    assert run("verify", "a.m2t") == 0
    capsys.readouterr()
    assert run("info", "a.m2t", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["version"], found["strips"]) == (2, 0)
    assert [layer["steps"] for layer in found["layers"]] == [3, 3, 3, 3]
    assert sum(layer["bytes"] for layer in found["layers"]) == found["window_bytes"]
    ends = [layer["end"] for layer in found["layers"]]
    assert ends[-1] == found["bytes"] == len(data[0])
    for i, end in enumerate(ends, 1):
        assert len(parse(data[0][:end], upto=i).layers) == i
        with pytest.raises(Truncated):
            parse(data[0][: end - 1], upto=i)
    assert run("info", "a.m2t") == 0
    out = capsys.readouterr().out
    assert "\nformat    version 2\n" in out
    assert " in 4 layers (" in out


def test_partial_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compress", "a.png", "--layers", 5) == 0
    assert run("compress", "a.png", "b.m2t") == 0
    for name in "ab":
        path = Path(f"{name}.m2t")
        path.write_bytes(path.read_bytes()[:-9])
    capsys.readouterr()
    assert run("decompress", "a.m2t", "x.png") == 1
    assert capsys.readouterr().err.startswith("m2t: error: a.m2t: truncated at byte ")
    assert not Path("x.png").exists()
    assert run("decompress", "--partial", "--out-dir", "out", "a.m2t", "b.m2t") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "m2t: warning: a.m2t: truncated: 4 of 5 layers, 99 % of the bytes"
    assert lines[2].startswith("m2t: error: b.m2t: truncated at byte ")
    assert lines[2].endswith("; only files in layers can be shown in part")
    assert [path.name for path in Path("out").iterdir()] == ["a.png"]


def test_options_that_there_are_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compress", "a.png", "--layers", 13) == 1
    assert "m2t: error: a.png: layers must be in 1..12, not 13\n" in capsys.readouterr().err
    assert run("compress", "a.png", "--layers", 0) == 2
    assert run("decompress", "a.png", "--upto", 0) == 2
    assert not Path("a.m2t").exists()


def test_processes_and_folders_carry_the_options(folder: Path, photo: Image.Image) -> None:
    Path("in/b").mkdir(parents=True)
    for name in ("in/a.png", "in/b/c.png"):
        photo.resize((90, 70)).save(name)
    assert run("compress", "in", "--out-dir", "out", "-r", "--jobs", 2, "--progressive") == 0
    data = Path("out/b/c.m2t").read_bytes()
    assert len(parse(data).layers) == 4
    Path("out/b/c.m2t").write_bytes(data[:-1])
    some = ("--upto", 3, "--partial", "--scale", "1/2", "--region", "3,4,50,60")
    assert run("decompress", "out", "--out-dir", "back", "-r", "--jobs", 2, *some) == 0
    expected = m2t.decompress(data, upto=3, scale=2, region=(3, 4, 50, 60))
    assert np.array_equal(pixels("back/b/c.png"), pixels(expected))


def test_metadata_can_be_dropped_from_layers(folder: Path, photo: Image.Image) -> None:
    photo.save("b.png", dpi=(72, 72))
    assert run("compress", "b.png", "--progressive", "--strip-all", "--verify") == 0
    stream = parse(Path("b.m2t").read_bytes())
    assert (stream.metadata, len(stream.layers)) == ({}, 4)


def test_layers_that_no_file_can_have_are_one_line(folder: Path, capsys) -> None:
    assert run("compress", "a.png", "--layers", 13, "--target-size", "3kB") == 1
    assert capsys.readouterr().err.splitlines()[0] == (
        "m2t: error: a.png: layers must be in 1..12, not 13"
    )
    assert not Path("a.m2t").exists()
