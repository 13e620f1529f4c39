import json
import sys

import pytest

from m2t.errors import ConfigError
from research.training import step_cost


def write_log(run, seconds):
    run.mkdir()
    lines = [{"kind": "train", "step": i + 1, "seconds": s} for i, s in enumerate(seconds)]
    lines.append({"kind": "eval", "step": len(seconds), "seconds": seconds[-1] + 100})
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def run_main(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["step_cost", *map(str, arguments)])
    step_cost.main()


def test_steps_are_counted_by_what_a_step_took(tmp_path, monkeypatch, capsys):
    file = tmp_path / "cost.json"
    write_log(tmp_path / "slow", [9, 18, 27, 36, 45, 54, 56, 58, 60])  # 2 s, once warm
    write_log(tmp_path / "fast", [1.5 + 0.5 * i for i in range(9)])
    run_main(monkeypatch, file, "slow", "--run", tmp_path / "slow")
    run_main(monkeypatch, file, "fast", "--run", tmp_path / "fast")
    assert json.loads(file.read_text())["seconds_per_step"] == {"fast": 0.5, "slow": 2.0}
    run_main(monkeypatch, file, "slow", 3)
    assert capsys.readouterr().out == "90\n"
    run_main(monkeypatch, file, "fast", 3)
    assert capsys.readouterr().out == "360\n"


def test_what_was_not_measured_is_an_error(tmp_path):
    file = tmp_path / "cost.json"
    step_cost.add(file, "base", 1.0)
    with pytest.raises(ConfigError, match="lacks wide"):
        step_cost.num_steps(file, "wide", 1)
    write_log(tmp_path / "short", [1, 2, 3])
    with pytest.raises(ConfigError, match="only 3 steps"):
        step_cost.seconds_per_step(tmp_path / "short")
