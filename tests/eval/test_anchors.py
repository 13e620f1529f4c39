import json

import pytest

from m2t.eval import anchors
from m2t.eval.anchors import CODECS
from m2t.eval.metrics import psnr
from m2t.eval.results import load_curve

from ..conftest import photograph


@pytest.fixture(scope="module")
def image():
    return photograph(83, 61)


@pytest.mark.parametrize("name", CODECS)
def test_round_trip(name, image):
    codec = CODECS[name]
    files = [codec.encode(image, quality) for quality in (20, 80)]
    assert len(files[0]) < len(files[1])
    coarse, fine = (psnr(image, codec.decode(data)) for data in files)
    assert 15 < coarse < fine < 60


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_at_size_fits_and_grows(name, image):
    codec = CODECS[name]
    last = 0.0
    for num_bytes in (1000, 1500, 2500, 4000, 10**6):
        data = codec.at_size(image, num_bytes)
        assert data is not None
        assert len(data) <= num_bytes
        assert psnr(image, codec.decode(data)) >= last
        last = psnr(image, codec.decode(data))
    assert data == codec.encode(image, codec.highest)
    assert codec.at_size(image, 50) is None


def test_command(tmp_path, image, monkeypatch):
    (tmp_path / "set").mkdir()
    for name in ("a", "b"):
        image.save(tmp_path / "set" / f"{name}.png")
    arguments = [str(tmp_path / "set"), "--codecs", "jpeg", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["anchors", *arguments])
    anchors.main()
    record = json.loads((tmp_path / "jpeg.json").read_text())
    assert {row["image"] for row in record["rows"]} == {"a.png", "b.png"}
    assert record["versions"]["libjpeg_turbo"]
    curve = load_curve(tmp_path / "jpeg.json")
    assert curve.dataset == "set"
    assert [p.param for p in curve.points] == [f"quality {q}" for q in CODECS["jpeg"].qualities]
