"""Training on one thread."""

from collections.abc import Iterator

import pytest
import torch

from m2t.learn.training.config import RunConfig
from m2t.learn.training.data import Crops, open_images
from m2t.learn.training.distributed import World
from m2t.learn.training.trainer import Trainer


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from threads, and sums then have one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


HERE = World(0, 1, torch.device("cpu"))


@pytest.fixture
def make_trainer(photos, tmp_path):
    """make_trainer(*overrides): a tiny trainer with no run around it."""

    def make(*overrides, world=HERE):
        config = RunConfig.of_preset("tiny").override(overrides)
        images = open_images(photos, tmp_path / "cache")
        return Trainer(config, Crops(images, config.train), tmp_path / "run", world)

    return make
