"""A tiny seeded model, in floats and exported, and quick training."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from m2t.codec import Codec
from m2t.config import ModelConfig
from m2t.learn.export import export
from m2t.learn.files import save_model
from m2t.learn.floats.network import FloatNetwork
from m2t.learn.floats.transforms import FloatTransforms
from m2t.learn.networks.model import Model
from m2t.learn.training import run
from m2t.presets import tiny
from m2t.rans import Mixture

from ..conftest import photograph

QUICK = ("train.total_steps=8", "train.warmup_steps=2", "train.log_every=2", "train.eval_every=8")


def seeded_model(config: ModelConfig, seed: int = 0) -> Model:
    """An untrained model whose every parameter matters: none stays zero or at its start."""
    torch.manual_seed(seed)
    model = Model(config)
    model.initialise(torch.rand(500, 3, 16, 16) * 0.2 + 0.4)
    nonlinear = config.transform.kind == "lapped" and not config.transform.linear_analysis
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith("entropy.") or "tune" in name:
                parameter.add_(torch.randn_like(parameter), alpha=0.05)
            elif nonlinear and name.startswith("analysis.") and ".linear." not in name:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model.eval()


@pytest.fixture(scope="session")
def model() -> Model:
    """The tiny M2T model."""
    return seeded_model(tiny())


class Recorder:
    """A coder that keeps the mixtures it is given."""

    def __init__(self) -> None:
        self.seen: list[Mixture] = []

    def code(self, symbols, mixture):
        self.seen.append(mixture)
        return symbols

    def finish(self):
        return self.seen


def float_codec(model: Model, identity: bytes = b"untitled") -> Codec:
    """A codec that computes in floating point, as training does."""
    transforms = FloatTransforms(model, torch.device("cpu"))
    return Codec(transforms, FloatNetwork(model.entropy, model.config), identity)


def exported(model: Model, folder: Path) -> Path:
    """A model's file of integers."""
    for i in range(3):
        photograph(96, 96, seed=i).save(folder / f"{i}.png")
    save_model(folder / "float.safetensors", model.config, model.state_dict())
    export(folder / "float.safetensors", folder / "tiny.safetensors", folder)
    return folder / "tiny.safetensors"


@pytest.fixture(scope="session")
def weights(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, exported."""
    return exported(model, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def codec(weights: Path) -> Codec:
    """A codec with the tiny model, in integers."""
    return Codec.load(weights)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five smooth random images, the smallest 96x110 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for i, size in enumerate([(110, 96), (128, 128), (160, 120), (100, 140), (130, 130)]):
        small = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
        small.resize(size, Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def quick_run(photos: Path, tmp_path: Path) -> Callable[..., Path]:
    """quick_run(name, *overrides, **options) trains `tiny` for eight steps and returns RUN."""

    def start(name: str, *overrides: str, **options: object) -> Path:
        settings = (*QUICK, *overrides)
        cache = tmp_path / "cache"
        run("tiny", photos, tmp_path / name, overrides=settings, cache=cache, **options)  # type: ignore[arg-type]
        return tmp_path / name

    return start
