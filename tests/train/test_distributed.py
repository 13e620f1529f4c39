"""Two gloo processes train as one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from m2t.model import Model
from m2t.train import run, store

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
from m2t.model import Model
from m2t.train import run, store

torch.set_num_threads(1)
photos, out, cache = map(Path, sys.argv[1:4])
Model.train = lambda self, mode=True: torch.nn.Module.train(self, False)
save = store.load_newest

def remember(out, model, ema, optimizers):
    global trained
    trained = model
    return save(out, model, ema, optimizers)

store.load_newest = remember
run("tiny", photos, out, overrides=sys.argv[4:], cache=cache)
norms = [param.detach().double().norm().item() for param in trained.parameters()]
print("weights", norms)
"""


def torchrun(script: Path, *args: object) -> list[str]:
    """What two processes print about their weights."""
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0")
    done = subprocess.run(
        [sys.executable, *launcher, str(script), *map(str, args)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("weights")]


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="PyTorch without gloo")
def test_two_processes_train_as_one(tmp_path, photos, monkeypatch):
    script, cache = tmp_path / "worker.py", tmp_path / "cache"
    script.write_text(WORKER)
    # Evaluation mode: the noise of training differs from rank to rank.
    monkeypatch.setattr(Model, "train", lambda self, mode=True: nn.Module.train(self, False))
    run("tiny", photos, tmp_path / "one", overrides=SETTINGS, cache=cache)
    ranks = torchrun(script, photos, tmp_path / "two", cache, *SETTINGS)
    assert len(ranks) == 2
    assert ranks[0] == ranks[1]
    one, two = (load_file(store.checkpoints(tmp_path / name)[-1]) for name in ("one", "two"))
    for name, value in one.items():
        if name.startswith("model."):
            # Muon rounds to bfloat16: differences in the gradients' last bits grow to that.
            torch.testing.assert_close(two[name], value, rtol=0, atol=3e-4)
