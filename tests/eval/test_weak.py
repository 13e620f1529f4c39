"""The sheet of pictures that m2t is not made for."""

import json
import sys

import numpy as np
from PIL import Image

from m2t.eval import weak

from ..conftest import photograph


def test_pictures_are_the_same_each_time():
    photo = photograph(300, 280)
    for make in (weak.text, weak.drawing, lambda: weak.noise(photo)):
        first, second = np.asarray(make()), np.asarray(make())
        assert np.array_equal(first, second)
        assert first.shape == (weak.SIDE, weak.SIDE, 3)
        assert first.std() > 10


def test_others_get_no_more_bytes(monkeypatch, tmp_path):
    monkeypatch.setattr(weak, "RIVALS", ("jpeg",))
    monkeypatch.setattr(weak, "QUALITY", 60)
    photo = tmp_path / "photo.png"
    photograph(300, 280).save(photo)
    sheet, out = tmp_path / "sheet.png", tmp_path / "weak.json"
    arguments = ["--photo", photo, "--face", photo, "--face-at", 20, 10, "--sheet", sheet]
    monkeypatch.setattr(sys, "argv", ["weak", *map(str, [*arguments, "--out", out])])
    weak.main()
    points = json.loads(out.read_text())["points"]
    ours, rival = points[::2], points[1::2]
    assert [p["picture"] for p in ours] == ["text", "drawing", "noise", "face"]
    assert all(r["bpp"] <= o["bpp"] for o, r in zip(ours, rival, strict=True))
    assert all(20 < p["psnr"] < 50 for p in points)
    with Image.open(sheet) as page:
        assert page.size == (3 * 264 + 8, 4 * 282 + 8)
