"""A few synthetic photographs and a training run of the tiny model that takes a second."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from m2t.train import run

QUICK = ("train.total_steps=8", "train.warmup_steps=2", "train.log_every=2", "train.eval_every=8")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from threads, and sums then have one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
    """quick_run(name, *overrides, **options) trains eight steps and returns RUN."""

    def start(name: str, *overrides: str, **options: object) -> Path:
        settings = (*QUICK, *overrides)
        cache = tmp_path / "cache"
        run("tiny", photos, tmp_path / name, overrides=settings, cache=cache, **options)  # type: ignore[arg-type]
        return tmp_path / name

    return start
