import json
import sys

import pytest

from research.training import scaling
from research.training.scaling import Law


def write(path, hours: float, loss: float) -> None:
    stages = [{"seconds": 3600 * hours / 2}, {"seconds": 3600 * hours / 2}]
    path.write_text(json.dumps({"stages": stages, "validation": {"loss": loss}}))


def test_laws_come_back_from_what_follows_them(tmp_path, monkeypatch, capsys):
    laws = {"small": Law(0.8, 0.01, 0.4), "large-er": Law(0.7, 0.03, 0.4)}
    for size, law in laws.items():
        for minutes in (5, 10, 20, 40):
            hours = minutes / 60
            write(tmp_path / f"{size}-{minutes}.json", hours, law.loss(hours))
    out = tmp_path / "scaling.out"
    arguments = [str(path) for path in sorted(tmp_path.glob("*.json"))]
    monkeypatch.setattr(sys, "argv", ["scaling", *arguments, "--out", str(out)])
    scaling.main()
    result = json.loads(out.read_text())
    assert set(result["sizes"]) == set(laws)
    assert result["error"] < 1e-4
    for size, law in laws.items():
        its = result["sizes"][size]
        assert Law(**its["law"]) == pytest.approx(law, abs=1e-3)
        assert its["expected"][-1]["loss"] == pytest.approx(law.loss(30), abs=1e-3)
        assert [point["hours"] for point in its["points"]] == sorted(
            m / 60 for m in (5, 10, 20, 40)
        )
    assert "| small | 0.8" in capsys.readouterr().out


def test_time_of_two_cores_counts_where_a_gpu_stood_for_them(tmp_path):
    path = tmp_path / "base-30.json"
    write(path, 0.01, 0.7)
    assert scaling.read(path) == pytest.approx((0.01, 0.7))
    path.write_text(json.dumps({"minutes_of_two_cores": 30, **json.loads(path.read_text())}))
    assert scaling.read(path) == pytest.approx((0.5, 0.7))


def test_noise_shows_in_the_error():
    points = [scaling.Point(hours, 0.8 + 0.1 * hours**-0.5) for hours in (0.1, 0.2, 0.4, 0.8)]
    exact = scaling.fit({"base": points})[1]
    points[1] = points[1]._replace(loss=points[1].loss + 0.01)
    assert exact < 1e-9
    assert scaling.fit({"base": points})[1] > 1e-3
