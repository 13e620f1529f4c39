"""What each experiment compares."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from m2t.config import EntropyConfig, ModelConfig, ScheduleConfig, TransformConfig

from .scales import Scale

Order = Literal["qlds", "random", "raster", "entropy"]


@dataclass(frozen=True)
class Case:
    """One entropy model with one schedule. The defaults are the paper's."""

    masking: Literal["mt", "m2t"] = "mt"
    mixtures: int = 3
    channels: int | None = None
    """None: the scale's."""
    window: int | None = None
    order: Order = "qlds"
    steps: int = 12
    alpha: float = 2.2

    def model(self, scale: Scale) -> ModelConfig:
        """Its configuration. Only EntropyModel is made of it, so no transform is named."""
        return ModelConfig(
            name="experiment",
            transform=TransformConfig(latent_channels=self.channels or scale.channels),
            entropy=self._entropy(scale.entropy),
            schedule=ScheduleConfig(self.order, self.steps, self.alpha),
        )

    def trained(self, scale: Scale) -> ModelConfig:
        """The configuration to train: MT learns from random masks, whatever its schedule."""
        config = self.model(scale)
        free = self.masking == "mt"
        return dataclasses.replace(config, schedule=ScheduleConfig()) if free else config

    def _entropy(self, base: EntropyConfig) -> EntropyConfig:
        window = self.window or base.window
        return dataclasses.replace(
            base, masking=self.masking, mixtures=self.mixtures, window=window
        )


def table1(scale: Scale) -> list[Case]:
    """MT, with one mixture instead of three, with 320 channels instead of 192."""
    return [Case(), Case(mixtures=1), Case(channels=scale.channels * 5 // 3)]


def figure5(_: Scale) -> list[Case]:
    """One MT model along many schedules."""
    alphas, steps = (1.0, 1.5, 2.2, 3.0), (2, 4, 8, 12)
    return [Case(order=o, alpha=a, steps=s) for o, a, s in product(get_args(Order), alphas, steps)]


def masking(_: Scale) -> list[Case]:
    """MT against M2T, which is trained for each number of steps."""
    return [Case(kind, steps=steps) for steps, kind in product((2, 4, 8, 12), ("mt", "m2t"))]


def extremes(_: Scale) -> list[Case]:
    """All tokens at once, in some steps, one by one: M2T on windows of 8x8."""
    small = Case("m2t", window=8)
    return [
        dataclasses.replace(small, steps=1),
        small,
        dataclasses.replace(small, steps=64, alpha=1.0),
        dataclasses.replace(small, steps=64, alpha=1.0, order="raster"),
    ]


def mixtures(_: Scale) -> list[Case]:
    """How many Gaussians."""
    return [Case(mixtures=count) for count in (1, 2, 3)]


def windows(scale: Scale) -> list[Case]:
    """How far tokens see."""
    largest = scale.entropy.window
    return [Case("m2t", window=side) for side in (largest // 4, largest // 2, largest)]


EXPERIMENTS: dict[str, Callable[[Scale], list[Case]]] = {
    "table1": table1,
    "figure5": figure5,
    "masking": masking,
    "extremes": extremes,
    "mixtures": mixtures,
    "windows": windows,
}
