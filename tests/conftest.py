"""A codec of a tiny model, synthetic photographs: what many tests need, without PyTorch."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image, ImageDraw

import m2t
from m2t.codec import Codec
from m2t.config import ModelConfig

settings.register_profile("m2t", deadline=None)  # machines are noisy
settings.load_profile("m2t")

TINY = Path(__file__).parent / "tiny.safetensors"
"""An untrained model of the preset, exported: `python -m tests.golden.make` makes it."""


def vary(config: ModelConfig, **entropy: object) -> ModelConfig:
    """`config` with some options of its entropy model replaced."""
    return dataclasses.replace(config, entropy=dataclasses.replace(config.entropy, **entropy))


def nonlinear(config: ModelConfig) -> ModelConfig:
    """`config` with a network in the analysis."""
    transform = dataclasses.replace(config.transform, linear_analysis=False)
    return dataclasses.replace(config, transform=transform)


def photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth colour fields with some texture: compressible, but not trivially."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 24 + 2, width // 24 + 2, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.normal(0, 6, (height, width, 3))
    return Image.fromarray((np.asarray(smooth) + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def weights() -> Path:
    """The tiny model, exported."""
    return TINY


@pytest.fixture(scope="session")
def codec(weights: Path) -> Codec:
    """A codec with the tiny model, in integers."""
    return Codec.load(weights)


def drawing(width: int = 300, height: int = 200) -> Image.Image:
    """Letters and boxes without noise."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for top in range(4, height - 12, 14):
        draw.text((6, top), "m2t keeps pages of text as they are, 0123456789", (0, 0, 120))
    draw.rectangle((width // 2, 0, width, height // 3), "red")
    return image


def same(a: Image.Image, b: Image.Image) -> bool:
    return a.mode == b.mode and np.array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture(scope="session")
def light() -> Codec:
    return m2t.load()
