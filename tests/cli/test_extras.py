"""What needs an extra says so in one line where it is not installed."""

import importlib.util

import pytest

from m2t.cli import main
from tests.test_golden import FOLDER

TRAIN = ["train", "--data", "d", "--out", "o"]
EXPORT = ["export", "a", "b", "--data", "d"]


@pytest.mark.parametrize("args", [TRAIN, EXPORT])
def test_learning_needs_pytorch(m2t, folder, monkeypatch, args):
    find = importlib.util.find_spec
    missing = lambda name, *rest: None if name == "torch" else find(name, *rest)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", missing)
    result = m2t(*args)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("m2t: error: needs torch")
    assert result.err.endswith(": pip install 'm2t[train]'\n")
    assert result.err.count("\n") == 1


def test_a_cluster_needs_ray(folder, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None)
    assert main(["bulk", "in", "out"]) == 1
    told = capsys.readouterr().err
    assert told == "m2t: error: needs ray, fsspec, pyarrow: pip install 'm2t[cluster]'\n"


def test_float_weights_need_pytorch(folder, monkeypatch, capsys):
    """Here they are asked for; in an environment without it, it really is not there."""
    if importlib.util.find_spec("torch") is not None:
        pytest.skip("PyTorch is installed")
    (folder / "a.m2t").write_bytes((FOLDER / "mt.m2t").read_bytes())
    assert main(["decompress", "a.m2t", "--model", str(FOLDER / "mt.safetensors")]) == 1
    assert "pip install 'm2t[train]'" in capsys.readouterr().err
