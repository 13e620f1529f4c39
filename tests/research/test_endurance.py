"""Kills, full disks and long use, in short: what runs/endurance.sh does at length."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from m2t.codec import Codec
from research.endurance import disks, kills, long_use, record, samples, uses
from research.endurance.samples import Sample
from research.endurance.trees import temporaries

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and tmpfs"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # of Python, from 3.12 on
]


def test_killed_commands_lose_nothing(tmp_path: Path) -> None:
    """In a process of its own, as others are forked from it."""
    out = tmp_path / "endurance.json"
    command = [sys.executable, "-m", kills.MODULE, "--count", "2", "--out", str(out)]
    subprocess.run(command, check=True)
    rows = json.loads(out.read_text())["kills"]
    assert len({row["command"] for row in rows}) == 6
    assert all(row["kills"] and row["faults"] == 0 for row in rows)
    hit = [row["during"] for row in rows if row["moment"] == "in a write"]
    assert any(hit), "no kill hit a write"


@pytest.fixture
def stage(tmp_path: Path) -> kills.Stage:
    return kills.Stage(next(kills.scenes()), tmp_path)


@pytest.mark.parametrize("torn", ["a.png", "a.m2t", "other"])
def test_what_is_lost_would_be_found(stage: kills.Stage, torn: str) -> None:
    assert stage.looked_at() == ("after", [])
    path = stage.folder / torn
    path.write_bytes(path.read_bytes()[:-1] if path.exists() else b"")
    assert stage.looked_at()[1] == [f"{torn} is neither old nor whole"]


def test_what_stays_would_be_found(stage: kills.Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    left = stage.folder / ".a.m2t.0123456789abcdef.tmp"

    def killed(rng: random.Random, in_write: bool) -> bool:
        left.touch()
        return True

    monkeypatch.setattr(stage, "kill", killed)
    assert stage.trial(random.Random(0), True) == ({"left": 1, "during": 1}, [])
    assert not temporaries(stage.folder)  # the next run has removed it
    monkeypatch.setattr(stage, "run", lambda *_: None)
    assert f"compress: {left.name} stays" in stage.trial(random.Random(0), True)[1]


def test_full_disks_and_broken_streams(tmp_path: Path) -> None:
    rows, faults = disks.measured(tmp_path)
    assert faults == []
    assert {row["place"] for row in rows} == {"full", "fixed", "streams"}
    if any("left_out" in row for row in rows):
        pytest.skip("only root can mount disks; streams alone were tried")


def test_bad_ends_would_be_found(tmp_path: Path) -> None:
    place = disks.Place(tmp_path)
    sound = disks.Case("", "$M2T compress noise.png a.m2t", made=("a.m2t",), code=0)
    assert place.faults(sound) == []
    assert place.faults(sound._replace(code=1)) == ["exit code 0, not 1"]
    assert place.faults(sound._replace(made=())) == ["there is ['a.m2t'], not []"]
    [fault] = place.faults(sound._replace(command="$M2T compress x; true", made=()))
    assert fault.startswith("told: ")
    [fault] = place.faults(disks.Case("", "echo > noise.png", code=0))
    assert fault == "noise.png is touched"


def test_long_use_in_short(tmp_path: Path) -> None:
    parts, faults = long_use.measured(tmp_path, 5)
    assert set(parts) == {"library", "folders"}
    assert all(row["same_bytes"] and row["operations"] for [row] in parts.values())
    # In so short a time, memory is still warming up.
    assert [fault for fault in faults if "memory" not in fault] == []


def test_uses_are_what_their_numbers_say(codec: Codec) -> None:
    found = [uses.use(codec, number) for number in range(1, 40)]
    assert len(set(found)) > 30
    assert found == [uses.use(codec.on_threads(2), number) for number in range(1, 40)]


def sample(seconds: int, **held: int) -> Sample:
    usual = {"operations": seconds, "kilobytes": 100_000, "descriptors": 3}
    return Sample(seconds, **usual | {"threads": 1, "temporary_files": 0} | held)


def test_growth_is_found() -> None:
    warm = [sample(s, kilobytes=50_000 + 5_000 * s) for s in range(10)]
    flat = [*warm, *(sample(s) for s in range(10, 101))]
    assert samples.faults(samples.summary(flat)) == []
    for name, step in {"kilobytes": 1_000, "descriptors": 1, "threads": 1}.items():
        leaking = [x._replace(**{name: getattr(x, name) + step * i}) for i, x in enumerate(flat)]
        [fault] = samples.faults(samples.summary(leaking))
        assert fault.startswith("memory grew" if name == "kilobytes" else f"{name} grew")
    stays = [*flat, sample(101, temporary_files=1)]
    assert samples.faults(samples.summary(stays)) == ["1 temporary files"]


def test_parts_of_the_record_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "endurance.json"
    for module in ("research.endurance.kills", "research.endurance.disks"):
        monkeypatch.setattr(sys, "argv", [module, "--out", str(out)])
        record.put(out, module, {module.rpartition(".")[-1]: [{"faults": 0}]})
    found = json.loads(out.read_text())
    assert (found["kills"], found["disks"]) == ([{"faults": 0}], [{"faults": 0}])
    assert set(found["commands"]) == {"kills", "disks"}
    assert found["commands"]["disks"].endswith("--out endurance.json")
