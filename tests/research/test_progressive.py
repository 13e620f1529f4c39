"""The numbers of pictures while files arrive."""

import json
import sys
from pathlib import Path

import pytest

from research import progressive

from ..conftest import photograph


def test_pictures_get_better_and_layers_cost_little(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(progressive, "SHOWN", (2,))
    monkeypatch.setattr(progressive, "COSTS", (2,))
    for name in ("a", "b"):
        photograph(120, 90).save(tmp_path / f"{name}.png")
    out = tmp_path / "progressive.json"
    arguments = ["--kodak", tmp_path, "--images", 1, "--out", out]
    monkeypatch.setattr(sys, "argv", ["progressive", *map(str, arguments)])
    progressive.main()
    found = json.loads(out.read_text())
    assert found["images"] == ["a.png"]
    ours = [point for point in found["points"] if point["codec"] == "m2t, 2 layers"]
    jpeg = [point for point in found["points"] if point["codec"] == "progressive JPEG"]
    assert len(ours) == 2
    assert [point["share"] for point in jpeg] == [*progressive.SHARES, 1]
    assert ours[0]["psnr"] < ours[1]["psnr"]
    assert ours[0]["share"] < ours[1]["share"] == jpeg[-1]["share"] == 1
    assert jpeg[-1]["ssimulacra2"] >= ours[1]["ssimulacra2"]
    one, two = found["costs"]
    assert 0 < two["bytes"] - one["bytes"] < 60
    assert found["jpeg_xl_shows_what_is_cut"] in (None, True, False)


def test_the_table_is_that_of_the_results() -> None:
    root = Path(__file__).parents[2]
    record = json.loads((root / "results" / "progressive.json").read_text())
    page = (root / "docs" / "progressive.md").read_text()
    assert progressive.table(record) in page
    record["points"][0]["psnr"] += 1
    assert progressive.table(record) not in page


def test_what_is_lacking_on_the_command_line_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["progressive", "--out", "x.json"])
    with pytest.raises(SystemExit):
        progressive.main()
    assert "--kodak and --out are needed" in capsys.readouterr().err
