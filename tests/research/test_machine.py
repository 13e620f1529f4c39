import json
import sys
from pathlib import Path

import pytest

from m2t.engine import native
from m2t.engine.fastest import CHECKS
from research.determinism import machine

PHOTO = Path(__file__).parents[2] / "examples/photo.png"


@pytest.fixture
def out(tmp_path, monkeypatch):
    """A file for results; photographs are compressed as well as a constant can be."""
    monkeypatch.setattr(machine, "coded", lambda _: {"streams_sha256": "1", "pixels_sha256": "2"})
    return tmp_path / "machines.json"


def run_main(monkeypatch, name, out):
    monkeypatch.setattr(sys, "argv", ["machine", name, str(PHOTO), "--out", str(out)])
    machine.main()


def test_machines_are_added_with_their_levels(out, monkeypatch):
    for name in ("one", "another"):
        run_main(monkeypatch, name, out)
    one, another = json.loads(out.read_text())
    assert (one["machine"], another["machine"]) == ("one", "another")
    assert [level["level"] for level in one["levels"]] == list(native.levels())
    assert all(level["equal"] for level in one["levels"])


def test_other_integers_are_recorded_and_fail(out, monkeypatch):
    monkeypatch.setattr("m2t.engine.fastest.CHECKS", (CHECKS[0] ^ 1, *CHECKS[1:]))
    with pytest.raises(SystemExit, match="odd: not the integers of other machines"):
        run_main(monkeypatch, "odd", out)
    (odd,) = json.loads(out.read_text())
    assert not any(level["equal"] for level in odd["levels"])


@pytest.mark.parametrize("changed", ["streams_sha256", "pixels_sha256"])
def test_other_files_and_pixels_fail(out, monkeypatch, changed):
    run_main(monkeypatch, "one", out)
    others = {"streams_sha256": "1", "pixels_sha256": "2", changed: "3"}
    monkeypatch.setattr(machine, "coded", lambda _: others)
    with pytest.raises(SystemExit, match="another"):
        run_main(monkeypatch, "another", out)


def test_a_machine_without_the_core_fails(out, monkeypatch):
    monkeypatch.setattr(native, "core", None)
    with pytest.raises(SystemExit, match="bare"):
        run_main(monkeypatch, "bare", out)


def test_a_photograph_is_compressed_and_painted():
    found = machine.coded(PHOTO)
    assert len(found["streams_sha256"]) == len(found["pixels_sha256"]) == 64
    assert found == machine.coded(PHOTO) | {"seconds": found["seconds"]}
