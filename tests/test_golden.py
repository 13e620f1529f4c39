"""Golden files (golden/make.py) decode for ever, to the same tokens by all operations."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m2t.codec import Codec
from m2t.container import parse
from m2t.latents import latents_sha256
from research.determinism.check import load
from research.determinism.settings import all_operations

from .golden import make

FOLDER = Path(__file__).parent / "golden"
RECORD: dict[str, dict[str, str]] = json.loads((FOLDER / "golden.json").read_text())
OPERATIONS = all_operations()
TOLERANCE = 2
"""Levels, where the synthesis computes in floating point, in 16 bits where that is fast."""


@cache
def codec(model: str, operations: str | None = None) -> Codec:
    ops = None if operations is None else OPERATIONS[operations]
    return load(str(FOLDER / f"{model}.safetensors"), ops)


def read(name: str) -> bytes:
    return (FOLDER / f"{name}.m2t").read_bytes()


@pytest.mark.parametrize("operations", OPERATIONS)
@pytest.mark.parametrize("name", RECORD)
def test_tokens(name: str, operations: str) -> None:
    y_hat = codec(RECORD[name]["model"], operations).decode_latents(parse(read(name)))
    assert latents_sha256(y_hat) == RECORD[name]["latents_sha256"]


@pytest.mark.parametrize("name", RECORD)
def test_image(name: str) -> None:
    image = codec(RECORD[name]["model"]).decompress(read(name))
    expected = Image.open(FOLDER / f"{name}.png")
    expected.load()
    assert (image.mode, image.size) == (expected.mode, expected.size)
    for key in ("icc_profile", "exif", "xmp"):
        assert image.info.get(key) == expected.info.get(key)
    before, after = np.asarray(expected).astype(int), np.asarray(image).astype(int)
    tolerance = 0 if codec(RECORD[name]["model"]).transforms.exact else TOLERANCE
    assert np.abs(before - after).max() <= tolerance
    if image.has_transparency_data:
        assert np.array_equal(before[..., -1], after[..., -1]), "alpha is lossless"


def test_all_is_there() -> None:
    """Nothing lies around that no test looks at, and make.py knows how each file came about."""
    assert {path.stem for path in FOLDER.glob("*.m2t")} == set(RECORD) == set(make.cases())
    assert {case["model"] for case in RECORD.values()} == set(make.configs())


def test_golden_files_are_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in FOLDER.glob("*.*")}
    monkeypatch.setattr("sys.argv", ["make", "rgb"])
    with pytest.raises(SystemExit, match="rgb"):
        make.main()
    assert {path: path.read_bytes() for path in FOLDER.glob("*.*")} == before
