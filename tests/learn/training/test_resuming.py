"""Runs that were stopped, or killed, end where undisturbed ones do."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from m2t.learn.training import store

from ..conftest import QUICK
from .runs import newest, records, same

DIFFERENT = ("seconds", "crops_per_second", "pixels_per_second")
"""What the log says of the machine."""


def told(out: Path) -> list[dict]:
    return [{k: v for k, v in r.items() if k not in DIFFERENT} for r in records(out)]


@pytest.mark.parametrize(
    ("integers", "tune"), [("false", "both"), ("true", "psnr"), ("true", "eye"), ("true", "both")]
)
def test_a_resumed_run_is_bit_equal_to_an_uninterrupted_one(quick_run, integers, tune) -> None:
    options = (f"train.integers={integers}", f"train.tune={tune}")
    whole = quick_run("whole", *options)
    part = quick_run("part", *options, minutes=0.0)
    assert not any(name.startswith("muon") for name in newest(part))  # stopped before step 0
    quick_run("part", resume=True, steps=3)
    assert records(part)[-1]["step"] == 2
    quick_run("part", resume=True, steps=4)
    assert store.checkpoints(part)[-1].stem == "00000004"
    quick_run("part", resume=True)
    assert same(newest(part), newest(whole))
    assert same(*(load_file(run / "model.safetensors") for run in (part, whole)))
    assert [record["step"] for record in records(part)] == [2, 4, 6, 8, 8]
    assert told(part)[2:] == told(whole)[2:]
    assert any(name.startswith("largest.") for name in newest(part)) == (integers == "true")


def test_checkpoints_that_know_no_largest_activations_can_be_resumed(quick_run) -> None:
    run = quick_run("run", "train.integers=true", steps=4)
    path = store.checkpoints(run)[-1]
    old = {n: tensor for n, tensor in newest(run).items() if not n.startswith("largest.")}
    state = {"progress": json.dumps({"step": 4, "seconds": 1.0, "skipped": 0})}
    save_file(old, path, state)
    quick_run("run", resume=True)
    assert store.checkpoints(run)[-1].stem == "00000008"


KILLED_IN_A_WRITE = """
import os, signal
from m2t.__main__ import run
from m2t.learn import files

save_file, written = files.save_file, []

def killed(tensors, path, metadata):
    if path.parent.name == "checkpoints":
        written.append(path)
    if len(written) == 2:
        path.write_bytes(b"half a checkpoint")
        os.kill(os.getpid(), signal.SIGKILL)
    save_file(tensors, path, metadata)

files.save_file = killed
run()
"""


def hidden(folder: Path) -> list[Path]:
    return list(folder.rglob(".*.tmp"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_runs_end_where_an_undisturbed_one_does(quick_run, photos, tmp_path) -> None:
    """Killed in a step, then in the middle of writing a checkpoint."""
    options = (*QUICK, "train.total_steps=16", "train.log_every=1", "train.integers=true")
    options += ("train.threads=1", "train.save_minutes=0")
    command = ["train", "--preset", "tiny", "--data", photos, "--resume"]
    command += ["--cache", tmp_path / "cache", "--out", tmp_path / "killed"]
    command += [word for option in options for word in ("--set", option)]
    whole, killed = quick_run("whole", *options), tmp_path / "killed"
    with subprocess.Popen([sys.executable, "-m", "m2t", *command]) as process:
        deadline = time.monotonic() + 120
        while not store.checkpoints(killed):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    half = [sys.executable, "-c", KILLED_IN_A_WRITE, *command]
    done = subprocess.run(half, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert [path.read_bytes() for path in hidden(killed)] == [b"half a checkpoint"]
    subprocess.run([sys.executable, "-m", "m2t", *command], check=True, timeout=120)
    assert same(newest(killed), newest(whole))
    assert told(killed) == told(whole)
    assert hidden(killed) == []
