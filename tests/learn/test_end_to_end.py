"""The real program: separate processes, a real (if untrained) model, a real file between them."""

import subprocess
import sys

import torch
from PIL import Image

from m2t.learn.files import save_model
from m2t.learn.networks.model import Model
from m2t.presets import preset

from ..conftest import photograph


def run(*args: object) -> str:
    command = [sys.executable, "-m", "m2t", *map(str, args)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def test_round_trip_through_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo = "photo.png"
    photograph(7, 5).save(photo)
    config = preset("tiny")
    torch.manual_seed(0)
    save_model("tiny.safetensors", config, Model(config).state_dict())
    run("compress", photo, "--model", "tiny.safetensors", "--threads", 1)
    unknown = subprocess.run(
        [sys.executable, "-m", "m2t", "decompress", "photo.m2t", "-"],
        capture_output=True,
        check=False,
    )
    assert unknown.returncode == 1
    assert unknown.stdout == b""
    assert unknown.stderr.startswith(b"m2t: error: photo.m2t: needs model ")
    summary = run("decompress", "photo.m2t", "out.png", "--model", "tiny.safetensors")
    assert summary.startswith("photo.m2t: 7x5, ")
    with Image.open("out.png") as image:
        assert (image.size, image.mode) == ((7, 5), "RGB")
