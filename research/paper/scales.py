"""At which size the experiments run: minutes on a laptop, or as published."""

from dataclasses import dataclass, replace

from m2t.config import Aim, EntropyConfig
from m2t.learn.training.config import TrainConfig


@dataclass(frozen=True)
class Scale:
    """Sizes of everything."""

    entropy: EntropyConfig
    """The model that the cases vary."""
    train: TrainConfig
    """How each model is trained; crops are those of the case's windows."""
    aim: Aim
    """Of the tokens: one, as the paper has one model for each lambda."""
    channels: int
    """C of the base model; the transform orders its channels by variance, the rest is cut off."""
    train_images: int
    sweep_images: int
    """Test images where one model is tested with dozens of schedules; elsewhere, all."""


_SMALL = Scale(
    EntropyConfig(width=192, layers=3, heads=3, mlp_width=768),
    TrainConfig(
        total_steps=400,
        batch_tokens=8 * 24 * 24,
        lr_muon=0.015,
        warmup_steps=20,
        decay_fraction=0.5,
        ema=0.99,
    ),
    aim=Aim(19, "psnr"),  # lambda 0.00126: figure 5 has 0.00125
    channels=192,
    train_images=500,
    sweep_images=12,
)

SCALES = {
    "small": _SMALL,
    # A few minutes of a GPU, on which all models are trained at once.
    "medium": replace(
        _SMALL,
        train=replace(_SMALL.train, total_steps=4_000, warmup_steps=100, ema=0.999),
        train_images=1_000_000,
    ),
    "paper": Scale(
        EntropyConfig(),
        TrainConfig(
            total_steps=1_000_000,
            batch_tokens=32 * 24 * 24,
            warmup_steps=10_000,
            decay_fraction=0.1,
        ),
        aim=Aim(19, "psnr"),
        channels=192,
        train_images=1_000_000,
        sweep_images=24,
    ),
}
