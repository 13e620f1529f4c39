"""Named model configurations, as functions."""

from collections.abc import Callable

from .config import EntropyConfig, ModelConfig, RateConfig, ScheduleConfig, TransformConfig
from .errors import ConfigError


def paper() -> ModelConfig:
    """M2T as published: ELIC 256/192, ViT-Base transformer, 24x24 windows, S=12, QLDS."""
    return ModelConfig()


def light() -> ModelConfig:
    """Made for CPUs, and what we ship: docs/overview.md says what differs from the paper."""
    return ModelConfig(
        name="light",
        transform=TransformConfig(
            kind="lapped",
            latent_channels=320,
            width=256,
            blocks=3,
            render_width=64,
            fine_blocks=2,
            linear_analysis=True,
        ),
        entropy=EntropyConfig(
            width=384,
            layers=4,
            heads=6,
            mlp_width=768,
            style="relu",
            delta=0.0,
            neighbours=True,
            source_positions=True,
            head="sliced",
            slices=(3, 6, 12, 20, 31, 48, 80, 120),
            head_width=192,
        ),
        rate=RateConfig(eye=((1.0, -1.0), (100.0, 1.3))),
    )


def tiny() -> ModelConfig:
    """For tests: every part of light, small enough for milliseconds."""
    return ModelConfig(
        name="tiny",
        transform=TransformConfig(
            kind="lapped",
            latent_channels=12,
            width=16,
            blocks=1,
            render_width=8,
            fine_blocks=1,
            linear_analysis=True,
        ),
        entropy=EntropyConfig(
            window=6,
            width=32,
            layers=2,
            heads=2,
            mlp_width=48,
            style="relu",
            delta=0.0,
            neighbours=True,
            source_positions=True,
            head="sliced",
            slices=(2, 4, 6),
            head_width=16,
        ),
        schedule=ScheduleConfig(steps=5),
        rate=RateConfig(eye=((1.0, -1.0), (50.0, 0.25), (100.0, 1.0))),
    )


PRESETS: dict[str, Callable[[], ModelConfig]] = {"paper": paper, "light": light, "tiny": tiny}


def preset(name: str) -> ModelConfig:
    """The preset called `name`; ConfigError with the known names otherwise."""
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name}; known: {', '.join(PRESETS)}")
    return PRESETS[name]()
