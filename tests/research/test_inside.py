"""The small pictures of what is inside a file."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from research import inside


def test_pictures_are_small_and_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("bits", *inside.PLOTS):
        Image.new("RGB", (960, 652)).save(tmp_path / f"{name}.png")
    for step in inside.STEPS:
        for key in inside.COLUMNS:
            Image.new("RGB", (600, 400)).save(tmp_path / f"{key}_{step:02}.png")
    steps = [{"bits": 800.0, "expected_psnr": 20.0, "average_psnr": None}] * 13
    (tmp_path / "inspect.json").write_text(json.dumps({"steps": steps}))
    monkeypatch.setattr(sys, "argv", ["inside", str(tmp_path), "--out", str(tmp_path / "out")])
    inside.main()
    sizes = {}
    for path in (tmp_path / "out").iterdir():
        with Image.open(path) as picture:
            sizes[path.name] = picture.size
    assert sizes == {
        "bits.jpg": (inside.WIDTH, inside.WIDTH * 652 // 960),
        "order.png": (960, 652),
        "progress.png": (960, 652),
        "steps.jpg": (924, 4 * (200 + 18 + 6)),
    }


def test_labels_tell_what_a_picture_is() -> None:
    step = {"bits": 80000.0, "expected_psnr": 20.04, "average_psnr": None}
    assert inside.label(step, "known") == "what is known: 10,000 bytes"
    assert inside.label(step, "expected") == "what the model expects: 20.0 dB"
    assert inside.label(step, "average") == "the average of samples"
