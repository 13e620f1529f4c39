import json
import sys

import pytest

from m2t.engine import native
from m2t.engine.choice import CHECKS
from research.determinism import machine


def run_main(monkeypatch, name, out):
    monkeypatch.setattr(sys, "argv", ["machine", name, "--out", str(out)])
    machine.main()


def test_machines_are_added_with_their_levels(tmp_path, monkeypatch):
    out = tmp_path / "machines.json"
    for name in ("one", "another"):
        run_main(monkeypatch, name, out)
    one, another = json.loads(out.read_text())
    assert (one["machine"], another["machine"]) == ("one", "another")
    assert [level["level"] for level in one["levels"]] == list(native.levels())
    assert all(level["equal"] for level in one["levels"])


def test_other_integers_are_recorded_and_fail(tmp_path, monkeypatch):
    out = tmp_path / "machines.json"
    monkeypatch.setattr("m2t.engine.choice.CHECKS", (CHECKS[0] ^ 1, *CHECKS[1:]))
    with pytest.raises(SystemExit, match="odd: not the integers of other machines"):
        run_main(monkeypatch, "odd", out)
    (odd,) = json.loads(out.read_text())
    assert not any(level["equal"] for level in odd["levels"])


def test_a_machine_without_the_core_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "core", None)
    with pytest.raises(SystemExit, match="bare"):
        run_main(monkeypatch, "bare", tmp_path / "machines.json")
