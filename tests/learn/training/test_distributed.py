"""Two gloo processes train as one does, and go by one clock."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from m2t.learn.networks.model import Model
from m2t.learn.training import run

from .runs import newest, records, same

SETTINGS = (
    "train.total_steps=3",
    "train.batch_tokens=144",
    "train.crops=[[6,6]]",
    "train.accumulate=2",
    "train.dtype=float32",
    "train.init=klt",
)
needs_gloo = pytest.mark.skipif(
    not torch.distributed.is_gloo_available(), reason="PyTorch without gloo"
)
WORKER = """
import sys
from pathlib import Path
import torch
from m2t.learn.training import run, store

torch.set_num_threads(1)
photos, out, cache = map(Path, sys.argv[1:4])
state, load = [], store.load_newest

def load_newest(out, model, *rest):
    state.extend([dict(model.named_parameters()), rest[-1]])
    return load(out, model, *rest)

store.load_newest = load_newest
run("tiny", photos, out, resume=True, steps=int(sys.argv[4]), overrides=sys.argv[5:], cache=cache)
print("state", [[x.detach().double().norm().item() for x in part.values()] for part in state])
"""
WITHOUT_NOISE = """
import torch
from m2t.learn.networks.model import Model

Model.train = lambda self, mode=True: torch.nn.Module.train(self, False)
"""
FAST_CLOCK = """
import os, time
from types import SimpleNamespace
from m2t.learn.training import loop

if os.environ["RANK"] == "1":
    loop.time = SimpleNamespace(monotonic=lambda: 3 * time.monotonic())
"""


def train_as_two(script: Path, *args: object) -> list[str]:
    """What two processes, told of each other as torchrun does, print about where they are."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), *map(str, args)],
            env={**os.environ, **common, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    try:
        outputs = [process.communicate(timeout=300)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0, 0]
    return [output.splitlines()[-1] for output in outputs]


@needs_gloo
def test_two_processes_train_as_one(tmp_path, photos, monkeypatch) -> None:
    script, cache = tmp_path / "worker.py", tmp_path / "cache"
    script.write_text(WITHOUT_NOISE + WORKER)  # which differs from rank to rank
    monkeypatch.setattr(Model, "train", lambda self, mode=True: nn.Module.train(self, False))
    run("tiny", photos, tmp_path / "one", overrides=SETTINGS, cache=cache)
    ranks = train_as_two(script, photos, tmp_path / "two", cache, 3, *SETTINGS)
    assert ranks[0].startswith("state")
    assert ranks[0] == ranks[1]
    one, two = (newest(tmp_path / name) for name in ("one", "two"))
    for name, value in one.items():
        if name.startswith("model."):
            # Muon rounds to bfloat16: differences in the gradients' last bits grow to that.
            torch.testing.assert_close(two[name], value, rtol=0, atol=3e-4)


@needs_gloo
def test_two_processes_resume_bit_for_bit(tmp_path, photos) -> None:
    script, cache = tmp_path / "worker.py", tmp_path / "cache"
    script.write_text(WORKER)
    whole, part = tmp_path / "whole", tmp_path / "part"
    for out, steps in ((whole, 3), (part, 2), (part, 3)):
        ranks = train_as_two(script, photos, out, cache, steps, *SETTINGS, "train.integers=true")
        assert ranks[0] == ranks[1]
    assert same(newest(part), newest(whole))


@needs_gloo
def test_all_processes_go_by_the_clock_of_the_first(tmp_path, photos) -> None:
    """Their rates fall together, and they stop together."""
    script, out, cache = tmp_path / "worker.py", tmp_path / "run", tmp_path / "cache"
    script.write_text(FAST_CLOCK + WORKER)
    settings = (*SETTINGS, "train.total_minutes=0.02", "train.decay_fraction=1")
    ranks = train_as_two(script, photos, out, cache, 10**6, *settings, "train.log_every=1")
    assert ranks[0].startswith("state")
    assert ranks[0] == ranks[1]
    assert records(out)[-1]["seconds"] >= 1.2
    rates = [record["lr_adam"] for record in records(out) if record["kind"] == "train"]
    assert len(set(rates)) == len(rates) > 1
