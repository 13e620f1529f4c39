import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from m2t.cli import main

pytest.importorskip("matplotlib")


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def m2t(weights, folder, capsys):
    """Run a command line in this process, with the tiny model and the real codec."""

    def run(*args: object) -> Result:
        code = main([*map(str, args), "--model", str(weights)])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def photo(folder):
    """40x20 pixels: two tokens of three are cut."""
    ramp = np.add.outer(np.arange(20), 3 * np.arange(40)).astype(np.uint8)
    Image.fromarray(ramp).convert("RGB").save("photo.png")
    return Path("photo.png")


def one_error(result: Result, text: str) -> None:
    assert result == (1, "", f"m2t: error: {text}\n")


def test_image_and_file(m2t, photo):
    result = m2t("inspect", photo, "--out", "a/b", "-q", 70, "--samples", 1, "--json")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    assert json.loads(Path("a/b/inspect.json").read_text()) == found
    assert (found["input"], found["quality"], found["samples"]) == ("photo.png", 70, 1)
    assert found["steps"][-1]["expected_psnr_original"] > 10
    assert Path("a/b/index.html").read_text().startswith("<!DOCTYPE html>")
    with Image.open("a/b/expected_00.png") as image:
        assert image.size == (40, 20)

    assert m2t("compress", photo, "-q", 70, "--lossless", "never").code == 0
    size = Path("photo.m2t").stat().st_size
    result = m2t("inspect", "photo.m2t", "--out", "c", "--samples", 1)
    assert (result.code, result.out) == (0, "")
    assert result.err == f"photo.m2t: {size:,} bytes, 6 tokens; see c/index.html\n"
    of_file = json.loads(Path("c/inspect.json").read_text())
    assert of_file["bits_per_channel"] == found["bits_per_channel"]
    assert of_file["steps"][-1]["expected_psnr_original"] is None


def test_nothing_is_overwritten_without_force(m2t, photo):
    Path("out").mkdir()
    Path("out/index.html").write_text("precious")
    args = (photo, "--out", "out", "--samples", 1)
    one_error(m2t("inspect", *args), "photo.png: out/index.html exists already; -f overwrites it")
    assert [path.name for path in Path("out").iterdir()] == ["index.html"]
    assert m2t("inspect", *args, "-f").code == 0
    assert Path("out/index.html").read_text() != "precious"


def test_bad_input(m2t, photo):
    assert m2t("compress", photo).code == 0
    data = bytearray(Path("photo.m2t").read_bytes())
    data[-10] ^= 1
    Path("bad.m2t").write_bytes(data)
    Path("text.png").write_text("nonsense")
    one_error(m2t("inspect", "gone.png", "--out", "x"), "gone.png: No such file or directory")
    one_error(m2t("inspect", "text.png", "--out", "x"), "text.png: not an image of a known format")
    result = m2t("inspect", "bad.m2t", "--out", "x")
    assert result.code == 1
    assert result.err.startswith("m2t: error: bad.m2t: ")
    assert result.err.count("\n") == 1
    assert not Path("x").exists()


def test_missing_matplotlib(m2t, photo, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = 'photo.png: inspect needs the package matplotlib: pip install "m2t[eval]"'
    one_error(m2t("inspect", photo, "--out", "x"), text)


def test_usage_errors(m2t, photo):
    Path("a.m2t").write_bytes(b"\x89m2t")
    for args in [(photo,), ("a.m2t", "--out", "x", "-q", 50), (photo, "--out", photo)]:
        result = m2t("inspect", *args)
        assert result.code == 2, args
        assert "Usage: m2t inspect" in result.err
