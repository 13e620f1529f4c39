"""`m2t compare`."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pair(photo, pixels):
    """photo.png, and near.webp: every level one higher or lower."""
    near = pixels ^ 1
    Image.fromarray(near).save("near.webp", lossless=True)
    return photo, Path("near.webp")


def test_metrics_are_told(m2t, pair):
    result = m2t("compare", *pair)
    assert result.code == 0
    assert "PSNR                48.13 dB\n" in result.out
    judged = find_spec("ssimulacra2") is not None  # not where there is only what runs
    told = "not defined for pictures as small" if judged else "pip install 'm2t[eval]'"
    assert told in result.out


def test_json(m2t, pair):
    facts = json.loads(m2t("compare", "--json", *pair).out)
    assert facts["psnr"] == pytest.approx(48.1308)
    assert (facts["width"], facts["height"]) == (7, 5)
    assert (facts["a"], facts["b"]) == ("photo.png", "near.webp")


def test_an_m2t_file_is_decoded(m2t, photo):
    assert m2t("compress", photo).code == 0
    result = m2t("compare", photo, "photo.m2t")
    assert result.code == 0
    assert "100.00 dB" in result.out  # the fake codec loses nothing


def test_what_is_not_installed_is_named(m2t, pair, monkeypatch):
    monkeypatch.setattr("m2t.eval.judges.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    result = m2t("compare", *pair)
    assert result.code == 0
    assert "SSIMULACRA2         not installed: pip install 'm2t[eval]'\n" in result.out
    assert "48.13 dB" in result.out
    facts = json.loads(m2t("compare", "--json", *pair).out)
    assert facts["ssimulacra2"] is None
    assert facts["missing"]["butteraugli"] == "apt-get install butteraugli"


def test_opacity_is_told_to_be_left_out(m2t, photo, pixels):
    image = Image.fromarray(pixels)
    image.putalpha(Image.fromarray(np.full(pixels.shape[:2], 200, np.uint8)))
    image.save("b.png")
    result = m2t("compare", photo, "b.png")
    assert result.code == 0
    assert result.err == "m2t: warning: opacity is not compared\n"


def test_warnings_of_reading_are_told(m2t, photo):
    Image.fromarray(np.full((5, 7), 1000, np.uint16)).save("deep.png")
    result = m2t("compare", photo, "deep.png")
    assert result.code == 0
    assert result.err.startswith("m2t: warning: deep.png: ")


def test_bad_input_is_one_line(m2t, photo):
    Image.new("RGB", (7, 6)).save("other.png")
    Path("no.png").write_bytes(b"no image")
    Path("cut.m2t").write_bytes(b"\x89m2t\x01")
    for other, text in (
        ("other.png", "photo.png is 7x5 pixels, other.png is 7x6"),
        ("no.png", "no.png: not an image of a known format"),
        ("gone.png", "gone.png: No such file or directory"),
    ):
        result = m2t("compare", photo, other)
        assert (result.code, result.out) == (1, "")
        assert result.err == f"m2t: error: {text}\n"
    result = m2t("compare", photo, "cut.m2t")
    assert result.code == 1
    assert result.err.startswith("m2t: error: cut.m2t: ")
    assert m2t("compare", "-", "-").code == 2
