import json
from pathlib import Path

import fake_codec
import pytest
from PIL import Image


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
    assert "metadata  icc 7 bytes\n" in result.out


def test_json(m2t, file):
    found = json.loads(m2t("info", file, "--json").out)
    num_bytes = file.stat().st_size
    assert found.pop("window_bytes") < num_bytes
    assert found == {
        "file": "a.m2t",
        "width": 40,
        "height": 30,
        "channels": "L",
        "bytes": num_bytes,
        "bpp": 8 * num_bytes / 1200,
        "quality": 70,
        "model": fake_codec.MODEL_ID.hex(),
        "order": "qlds",
        "steps": 12,
        "alpha": 2.2,
        "seed": 0,
        "windows": 1,
        "strips": 1,
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
