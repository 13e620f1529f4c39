import sys
import types
from pathlib import Path

import pytest

from m2t.errors import ConfigError

pytest.importorskip("torch")


@pytest.fixture
def calls(monkeypatch):
    """What m2t.learn.training.run is called with."""
    stand_in, calls = types.ModuleType("m2t.learn.training"), []
    vars(stand_in)["run"] = lambda **options: calls.append(options)
    monkeypatch.setitem(sys.modules, "m2t.learn.training", stand_in)
    return calls


def test_options_are_passed_on(m2t, calls):
    args = ["--preset", "tiny", "--data", "d", "--out", "o", "--resume", "--minutes", "1.5"]
    args += ["--steps", "7", "--init", "a", "--init", "b"]
    result = m2t("train", *args, "--set", "train.seed=1", "--set", "entropy.layers=2")
    assert result == (0, "", "")
    assert calls == [
        {
            "preset": "tiny",
            "data": Path("d"),
            "out": Path("o"),
            "resume": True,
            "init": (Path("a"), Path("b")),
            "minutes": 1.5,
            "steps": 7,
            "cache": None,
            "overrides": ("train.seed=1", "entropy.layers=2"),
        }
    ]


def test_errors_are_one_line(m2t, calls, monkeypatch):
    def run(**_):
        raise ConfigError("unknown preset x")

    monkeypatch.setattr(sys.modules["m2t.learn.training"], "run", run)
    assert m2t("train", "--data", "d", "--out", "o") == (1, "", "m2t: error: unknown preset x\n")


def test_data_is_required(m2t, calls):
    assert m2t("train", "--out", "o").code == 2
    assert calls == []
