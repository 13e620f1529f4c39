"""Progressive files on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import m2t
from m2t.cli import main
from m2t.container import parse
from m2t.errors import Truncated

EXAMPLE = Path(__file__).parents[2] / "examples" / "photo.png"


def pixels(image: Image.Image | str) -> np.ndarray:
    return np.asarray(Image.open(image) if isinstance(image, str) else image)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.open(EXAMPLE).convert("RGB").resize((320, 240))


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
    assert lines[2].endswith(": no window of it is intact")
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


def test_samples_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compress", "a.png", "--progressive") == 0
    assert run("decompress", "a.m2t", "x.png", "--upto", 2, "--samples", 2) == 0
    data = Path("a.m2t").read_bytes()
    assert np.array_equal(pixels("x.png"), pixels(m2t.decompress(data, upto=2, samples=2)))
    Path("b.m2t").write_bytes(data[: parse(data).ends[1] + 9])
    assert run("decompress", "b.m2t", "y.png", "--partial", "--samples", 2) == 0
    assert np.array_equal(pixels("x.png"), pixels("y.png"))
    capsys.readouterr()
    assert run("decompress", "a.m2t", "z.png", "--samples", 2) == 2
    assert "--samples goes with --upto or --partial." in capsys.readouterr().err
    for samples in (0, 101, "many"):
        assert run("decompress", "a.m2t", "z.png", "--upto", 2, "--samples", samples) == 2
    assert not Path("z.png").exists()
