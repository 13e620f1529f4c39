"""Two gloo processes train as one does."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from m2t.learn.networks.model import Model
from m2t.learn.training import run, store

SETTINGS = (
    "train.total_steps=3",
    "train.batch_tokens=144",
    "train.crops=[[6,6]]",
    "train.accumulate=2",
    "train.dtype=float32",
    "train.init=klt",
)
WORKER = """
import sys
from pathlib import Path
import torch
from m2t.learn.networks.model import Model
from m2t.learn.training import run, store

torch.set_num_threads(1)
photos, out, cache = map(Path, sys.argv[1:4])
Model.train = lambda self, mode=True: torch.nn.Module.train(self, False)
models = []
load = store.load_newest
store.load_newest = lambda out, model, *rest: models.append(model) or load(out, model, *rest)
run("tiny", photos, out, overrides=sys.argv[4:], cache=cache)
print("weights", [param.detach().double().norm().item() for param in models[0].parameters()])
"""


def train_as_two(script: Path, *args: object) -> list[str]:
    """What two processes, told of each other as torchrun does, print about their weights."""
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


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="PyTorch without gloo")
def test_two_processes_train_as_one(tmp_path, photos, monkeypatch):
    script, cache = tmp_path / "worker.py", tmp_path / "cache"
    script.write_text(WORKER)
    # Evaluation mode: the noise of training differs from rank to rank.
    monkeypatch.setattr(Model, "train", lambda self, mode=True: nn.Module.train(self, False))
    run("tiny", photos, tmp_path / "one", overrides=SETTINGS, cache=cache)
    ranks = train_as_two(script, photos, tmp_path / "two", cache, *SETTINGS)
    assert ranks[0].startswith("weights")
    assert ranks[0] == ranks[1]
    one, two = (load_file(store.checkpoints(tmp_path / name)[-1]) for name in ("one", "two"))
    for name, value in one.items():
        if name.startswith("model."):
            # Muon rounds to bfloat16: differences in the gradients' last bits grow to that.
            torch.testing.assert_close(two[name], value, rtol=0, atol=3e-4)
