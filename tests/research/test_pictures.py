"""The sheets of what people see."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from research import pictures

from ..conftest import photograph


def test_pictures_are_the_same_each_time() -> None:
    photo = photograph(300, 280)
    for make in (pictures.page, lambda: pictures.noise(photo)):
        first, second = np.asarray(make()), np.asarray(make())
        assert np.array_equal(first, second)
        assert first.std() > 10


def test_the_page_has_four_inks_of_fourteen_pixels() -> None:
    pixels = np.asarray(pictures.page()).reshape(-1, 3)
    found = {tuple(colour) for colour in np.unique(pixels, axis=0).tolist()}
    assert set(pictures._INKS) <= found
    assert pictures.LETTERS == 14


def test_others_get_no_more_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "RIVALS", ("jpeg",))
    monkeypatch.setattr(pictures, "QUALITIES", {"high": 90})
    monkeypatch.setattr(pictures, "PAGE_QUALITIES", (20, 60))
    monkeypatch.setattr(pictures, "PAGE_SIDE", 176)
    monkeypatch.setattr(pictures, "PLACES", {"face": ("a.png", 20, 10)})
    photograph(200, 180).save(tmp_path / "a.png")
    arguments = ["--kodak", tmp_path, "--photo", tmp_path / "a.png", "--out", tmp_path]
    arguments += ["--results", tmp_path / "pictures.json"]
    monkeypatch.setattr(sys, "argv", ["pictures", *map(str, arguments)])
    pictures.main()
    found = json.loads((tmp_path / "pictures.json").read_text())
    points = found["points"]
    ours, rival = points[::2], points[1::2]
    assert [p["picture"] for p in ours] == ["face", "noise", "text"]
    assert all(p["quality"] == 90 for p in ours)
    assert all(r["bpp"] <= o["bpp"] for o, r in zip(ours, rival, strict=True))
    assert all(-100 < p["ssimulacra2"] < 100 for p in points)
    assert [p["quality"] for p in found["page"][::2]] == [20, 60]
    with Image.open(tmp_path / "pictures_high.jpg") as page:
        assert page.size == (3 * 328 + 8, 3 * 346 + 8)
