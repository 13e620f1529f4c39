import json
import sys

import pytest

from research.training import outcome


def test_comparison_tells_cost_options_and_what_was_reached(
    quick_run, photos, tmp_path, monkeypatch
):
    first = quick_run("first", "train.part=linear")
    second = quick_run("second", "entropy.layers=1", init=[first / "model.safetensors"])
    out = tmp_path / "results" / "staged.json"
    arguments = ["outcome", str(first), str(second), "--images", str(photos), "--out", str(out)]
    arguments += ["--minutes", "30"]
    monkeypatch.setattr(sys, "argv", arguments)
    outcome.main()
    result = json.loads(out.read_text())
    assert result["minutes_of_two_cores"] == 30
    one, two = result["stages"]
    assert one["options"]["train.part"] == "linear"
    assert "entropy.layers" not in one["options"]
    assert two["options"]["entropy.layers"] == 1
    assert one["steps"] == two["steps"] == one["curve"][-1]["step"] == 8
    assert one["seconds"] == one["curve"][-1]["seconds"] > 0
    assert one["pixels_per_second"] > 0
    points = result["validation"]["points"]
    mean = sum(point["loss"] for point in points) / len(points)
    assert result["validation"]["loss"] == pytest.approx(mean, abs=1e-4)
