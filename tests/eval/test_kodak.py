import json

import pytest

from m2t.codec import Codec
from m2t.errors import M2TError
from m2t.eval import kodak
from m2t.eval.command import run_m2t
from m2t.eval.results import Curve, Point, load_curve, save_result

from ..conftest import photograph


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for seed, name in enumerate("ab"):
        photograph(50, 40, seed).save(folder / f"{name}.png")
    return folder


def test_command(codec, images, tmp_path, monkeypatch):
    """Files are measured, means and BD-rates follow from them, and estimates are kept."""
    monkeypatch.setattr(Codec, "load", lambda model: codec)
    low, high = Point("low", 0.0001, 1), Point("high", 1000, 90)
    save_result(tmp_path / "anchors/wide.json", Curve("wide", "set", "made up", (low, high)))
    out = tmp_path / "x.json"
    options = ["--qualities", "10", "90", "--in-process", "--estimate", "--out", str(out)]
    where = ["--anchors", str(tmp_path / "anchors")]
    monkeypatch.setattr("sys.argv", ["kodak", str(images), *options, *where])
    kodak.main()

    record = json.loads(out.read_text())
    assert record["model_id"] == codec.identity.hex()
    assert len(record["rows"]) == 4
    for row in record["rows"]:
        assert row["bpp"] == pytest.approx(8 * row["num_bytes"] / (40 * 50), abs=1e-6)
        assert 0 < row["coded_bits"] < 8 * row["num_bytes"]
    assert len(load_curve(out).points) == 2
    assert all(entry["anchor"] == "wide" for entry in record["bd_rates"])


@pytest.mark.parametrize(("bits", "holds"), [(8000, True), (8119, True), (8121, False)])
def test_estimate(bits, holds):
    row = kodak.CodecRow("a", "quality 1", 1100, 1.0, 30.0, bits, 1, 8000.0)
    assert row.estimate_holds() is holds


def test_failing_command(tmp_path, capfd):
    with pytest.raises(M2TError, match="exit code 1"):
        run_m2t("compress", tmp_path / "missing.png", tmp_path / "x.m2t")
    assert "missing.png" in capfd.readouterr().err
