"""Training far from one's photographs, tried without a GPU."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from m2t.learn.load import load_model
from m2t.learn.training.config import RunConfig
from research.training import gpu

ROOT = Path(__file__).parents[2]


@pytest.fixture
def packed(weights, photos, tmp_path, monkeypatch):
    """What is sent: weights, and photographs in parts of one."""
    monkeypatch.setattr(gpu, "FIRST_PART", 1)
    monkeypatch.setattr(gpu, "PART", 1)
    gpu.pack(weights, photos, tmp_path / "packed")
    return tmp_path / "packed"


def test_photographs_arrive_while_it_trains(packed, tmp_path):
    cache, out = tmp_path / "cache", tmp_path / "run"
    parts = sorted(packed.glob("photos-*.tar"))
    assert len(parts) > 2
    gpu.unpack(parts[0], cache)
    gpu.unpack(parts[1], cache)
    crops = gpu.GrowingCrops(cache, RunConfig.of_preset("tiny").train)
    before = len(crops.train)
    assert len(crops.held_out) > 0
    assert not set(crops.train) & set(crops.held_out)
    for part in parts[2:]:
        gpu.unpack(part, cache)
    crops.batch(0)
    assert len(crops.train) == before + len(parts) - 2
    settings = ("train.graphs=false", "train.workers=0", "train.crops=[[4,6],[6,6]]")
    settings += ("train.batch_tokens=72", "train.total_steps=20", "train.device=cpu")
    gpu.run(packed / "start.safetensors", cache, out, *settings)
    assert (out / "done").exists()
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 20
    assert np.isfinite(lines[-1]["loss"])
    other = ("transform.latent_channels=20", "entropy.slices=[4,6,10]", "rate.lmbda_max=0.8")
    other += ("transform.linear_analysis=false", "train.init=klt", "train.total_steps=2")
    other += ("entropy.slices_from=[-2,-2,0.5]",)
    gpu.run(packed / "start.safetensors", cache, tmp_path / "other", *settings, *other)
    model = load_model(tmp_path / "other" / "model.safetensors")
    assert model.config.transform.latent_channels == 20
    assert hasattr(model.analysis, "leave")
    assert model.config.num_always == 10


def lap(way, loss, seconds):
    return {"way": way, "loss": loss, "seconds_per_step": seconds}


@pytest.mark.parametrize(
    ("compiled", "expected"),
    [
        ([("compiled", 1.0, 0.01)] * 3, "compiled"),
        ([("compiled", 1.0, 0.03)] * 3, "graphs"),
        ([("compiled", 1.02, 0.01)] * 3, "graphs"),
        ([("compiled", float("nan"), 0.01)] * 3, "graphs"),
        ([("compiled", 1.0, 0.01)], "graphs"),
        ([], "graphs"),
    ],
)
def test_the_fastest_way_that_is_right_is_taken(compiled, expected):
    laps = [lap("kernels", 1.0, 0.09)] * 3 + [lap("graphs", 1.003, 0.02)] * 3
    laps += [lap(*told) for told in compiled] + [{"way": "compiled", "failed": "no compiler"}]
    assert gpu.best(laps) == expected


def test_ways_that_fail_are_told_and_not_taken(packed, tmp_path):
    cache, out = tmp_path / "cache", tmp_path / "run"
    for part in sorted(packed.glob("photos-*.tar")):
        gpu.unpack(part, cache)
    settings = ("train.crops=[[4,6],[6,6]]", "train.batch_tokens=72", "train.device=cpu")
    gpu.check(packed / "start.safetensors", cache, out, *settings)
    told = json.loads((out / "check.json").read_text())["laps"]
    assert [row["way"] for row in told] == ["kernels"] * 3 + ["graphs", "compiled"]
    assert "ConfigError" in told[-1]["failed"]
    assert (out / "how").read_text() == "train.graphs=false train.compile=false\n"


def test_half_the_bits_are_enough_to_start_from(packed, weights):
    sent, kept = (load_model(path).state_dict() for path in (packed / "start.safetensors", weights))
    for name, value in kept.items():
        assert (sent[name].float() - value).abs().max() <= 1e-3 * value.abs().max()


def test_arms_train_side_by_side(weights, photos, tmp_path):
    """What the script does there, with a copy of the program and what was sent."""
    there, away, home = tmp_path / "there", tmp_path / "away", tmp_path / "home"
    for name in ("src", "research", "runs"):
        (there / name).parent.mkdir(exist_ok=True)
        ignored = shutil.ignore_patterns("__pycache__", "light.safetensors")
        shutil.copytree(ROOT / name, there / name, ignore=ignored)
    gpu.pack(weights, photos, there / "build" / "gpu")
    home.mkdir()
    arms = there / "arms"
    arms.write_text("slow train.lr_muon=0.001\nwide transform.width=32 train.init=klt\n")
    settings = ("train.crops=[[4,6],[6,6]]", "train.batch_tokens=72", "train.device=cpu")
    settings += ("train.graphs=false", "train.workers=0", "train.log_every=1")
    own = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "GPU_FOLDER": str(away), "PATH": own}

    def script(*arguments):
        command = ["bash", str(there / "runs/gpu.sh"), *map(str, arguments)]
        subprocess.run(command, env=environment, check=True)

    script("arms", 0.02, arms, *settings)
    script("collect", home, 100)
    with tarfile.open(home / "told.tar") as tar:
        tar.extractall(home, filter="data")
    for name in ("slow", "wide"):
        last = json.loads((home / f"{name}.jsonl").read_text().splitlines()[-1])
        assert last["kind"] == "eval"
    told = (RunConfig.load(away / "arms" / name / "config.json") for name in ("slow", "wide"))
    assert [config.model.transform.width for config in told] == [16, 32]


def test_weights_come_home_in_pieces(weights, tmp_path):
    away, home = tmp_path / "away", tmp_path / "home"
    (away / "run").mkdir(parents=True)
    home.mkdir()
    (away / "output").write_text("1.0 ms a step\n")
    (away / "run" / "log.jsonl").write_text("{}\n")
    (away / "run" / "done").touch()
    shutil.copy(weights, away / "run" / "model.safetensors")
    environment = {**os.environ, "GPU_FOLDER": str(away)}

    def script(*arguments):
        command = ["bash", str(ROOT / "runs/gpu.sh"), *map(str, arguments)]
        return subprocess.run(command, env=environment, check=True, text=True, capture_output=True)

    assert "1.0 ms a step" in script("collect", home, 5).stdout
    (away / "run" / "how").write_text("train.graphs=true\n")
    script("collect", home)
    with tarfile.open(home / "told.tar") as tar:
        assert {"./output", "./log.jsonl", "./how"} <= set(tar.getnames())
    script("join", home, tmp_path / "joined")
    assert (tmp_path / "joined").read_bytes() == weights.read_bytes()
