import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import fake_codec
import pytest
from PIL import Image

import m2t.codec
from m2t.config import Aim
from m2t.container import parse
from m2t.image import to_picture
from tests.conftest import photograph

REAL, LOAD = m2t.codec, m2t.load


@pytest.fixture
def file(m2t, folder):
    image = Image.new("L", (40, 30))
    image.info["icc_profile"] = b"profile"
    image.save("a.png", icc_profile=b"profile")
    assert m2t("compress", "a.png", "-q", 70).code == 0
    return Path("a.m2t")


def test_text(m2t, file):
    result = m2t("info", file)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"a.m2t: 40x30 L, {file.stat().st_size:,} bytes, ")
    assert "quality   70, tune eye\n" in result.out
    assert "metadata  icc 7 bytes\n" in result.out


def test_json(m2t, file):
    found = json.loads(m2t("info", file, "--json").out)
    num_bytes = file.stat().st_size
    assert found.pop("window_bytes") < num_bytes
    assert found == {
        "input": "a.m2t",
        "version": 1,
        "width": 40,
        "height": 30,
        "channels": "L",
        "bytes": num_bytes,
        "bpp": 8 * num_bytes / 1200,
        "quality": 70,
        "tune": "eye",
        "lossless": False,
        "model": fake_codec.MODEL_ID.hex(),
        "order": "qlds",
        "steps": 12,
        "alpha": 2.2,
        "seed": 0,
        "windows": 1,
        "strips": 1,
        "tiles": 0,
        "tile_bytes": 0,
        "layers": [],
        "alpha_bytes": 0,
        "metadata": {"icc": 7},
    }


def test_damage_is_found(m2t, file):
    data = bytearray(file.read_bytes())
    data[-10] ^= 1
    file.write_bytes(data)
    result = m2t("info", file)
    assert result.code == 1
    assert result.err.startswith("m2t: error: a.m2t: ")
    assert result.err.count("\n") == 1


@pytest.fixture
def coded(m2t, codec, folder, monkeypatch):
    """b.m2t of the tiny model, and the codec that is to read it in place of the fake one."""
    monkeypatch.setitem(sys.modules, "m2t.codec", REAL)
    monkeypatch.setattr("m2t.load", LOAD)
    path = Path("b.m2t")
    path.write_bytes(codec.compress(photograph(70, 50)))
    return path


def test_verify_tells_the_tokens(m2t, codec, weights, coded):
    y_hat = codec.tokens(to_picture(photograph(70, 50)), Aim(50, "eye"))
    expected = hashlib.sha256(y_hat.astype("<i4").tobytes()).hexdigest()
    found = json.loads(m2t("info", coded, "--verify", "--model", weights, "--json").out)
    assert found["latents_sha256"] == expected
    rgb = codec.synthesise(y_hat, 50, 70, Aim(50, "eye"))
    assert found["pixels_sha256"] == hashlib.sha256(rgb.tobytes()).hexdigest()
    assert found["operations"] == codec.network.name
    assert (found["quality"], found["tune"]) == (50, "eye")
    result = m2t("info", coded, "--verify", "--model", weights, "--threads", 1)
    assert (result.code, result.err) == (0, "")
    assert f"latents   sha256 {expected}\n" in result.out
    assert f"pixels    sha256 {found['pixels_sha256']}\n" in result.out


def one_error(result, text):
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"m2t: error: b.m2t: {text}")
    assert result.err.count("\n") == 1


def test_verify_finds_what_checksums_of_the_file_do_not(m2t, weights, coded):
    stream = parse(coded.read_bytes())
    [strip] = stream.strips
    wrong = dataclasses.replace(strip, latents_crc=strip.latents_crc ^ 1)
    coded.write_bytes(dataclasses.replace(stream, strips=[wrong]).pack())
    assert m2t("info", coded).code == 0
    one_error(m2t("info", coded, "--verify", "--model", weights), "decoded latents do not match")
    coded.write_bytes(coded.read_bytes()[:-20])
    one_error(m2t("info", coded, "--verify", "--model", weights), "truncated at byte")


def test_verify_needs_the_weights(m2t, coded):
    one_error(m2t("info", coded, "--verify"), "needs model ")
    one_error(m2t("info", coded, "--verify", "--model", "none"), "no model none")
    assert m2t("info", coded, "--model", "none").code == 2
