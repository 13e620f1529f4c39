"""How a model is trained: options, the recipe of each preset, typed `key=value` overrides."""

import dataclasses
import itertools
import json
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...atomic import replacing
from ...config import ModelConfig
from ...errors import ConfigError
from ...options import coerce
from ...presets import preset
from ..devices.precision import Precision
from ..ssimulacra2 import EYE_RATE, EYE_SHARE


@dataclass(frozen=True)
class TrainConfig:
    """Options of a training run. A step is one update of the weights."""

    total_steps: int = 30_000
    """Length of the run; the learning rate depends on steps / total_steps."""
    total_minutes: float = 0.0
    """Length of the run in time instead, if positive: for comparisons at equal cost."""
    batch_tokens: int = 4096
    """Tokens (16x16 pixels) per step, about, all processes and micro-batches together."""
    crops: tuple[tuple[int, int], ...] = ((16, 16), (16, 24), (24, 16), (24, 24))
    """Heights and widths of the crops, in tokens; every step draws one."""
    tune: Literal["psnr", "eye", "both"] = "psnr"
    """What is trained for: squared error, the eye, or each for half of the crops, which the model
    then tells apart (`rate.eye`)."""
    eye_share: float = EYE_SHARE
    """Share of SSIMULACRA2's distance in the distortion for the eye; the rest is squared error."""
    eye_rate: float = EYE_RATE
    """Squared error (0..255) that a distance of one stands for."""
    drawn: float = 0.0
    """Share of the crops that are rendered instead: text, drawings, user interfaces."""
    downscale: float = 0.0
    """Share of the crops that are cut up to twice as large and scaled down."""
    accumulate: int = 1
    """Micro-batches that a step is split into, to save memory."""
    init: Literal["random", "klt"] = "random"
    """klt: start the lapped transforms from the principal components of the data."""
    integers: bool = False
    """Round the entropy model's activations as the exported one will."""
    fresh: tuple[str, ...] = ()
    """With weights to start from: how the names of parameters begin that start as in a new run."""
    part: Literal["all", "linear", "analysis", "synthesis", "entropy"] = "all"
    """What is trained; linear: all but the residual branches of lapped transforms. With the
    synthesis or the entropy model alone, the other half of the loss is not computed."""
    optimizer: Literal["muon", "soap", "adamw"] = "muon"
    """Of hidden matrices and convolutions."""
    precondition: bool = True
    """Let what sees pixels move by what the frequencies of photographs are like; without it, Adam
    moves the linear lapped transforms, and Muon the layers that see blocks of pixels, as others."""
    lr_muon: float = 0.01
    """Learning rate of hidden matrices and convolutions, whatever their optimiser."""
    lr_adam: float = 0.001
    """Learning rate of everything else (AdamW)."""
    lr_slow: float = 1e-4
    """Learning rate of the linear lapped transforms (learn/training/lapped.py)."""
    weight_decay: float = 0.01
    """Of what `lr_muon` moves; each step shrinks it by lr_muon * weight_decay."""
    weighting: float = 0.5
    """Losses are divided by lmbda to this power, so that no quality owns the gradient."""
    warmup_steps: int = 100
    """Steps of linear growth of the learning rate."""
    decay_fraction: float = 0.3
    """Last part of the run, in which the learning rate falls linearly to zero."""
    clip: float = 1.0
    """Largest norm of the gradient; longer ones are shortened to it."""
    ema: float = 0.999
    """Decay per step of the averaged weights, which are the ones evaluated and exported."""
    seed: int = 0
    """Of crops, lambdas, noise and random initial weights."""
    eval_every: int = 1000
    """Steps between evaluations on held-out crops."""
    log_every: int = 20
    """Steps between lines in the log."""
    save_minutes: float = 10.0
    """Minutes between checkpoints."""
    tensorboard: bool = False
    """Log to RUN/tensorboard too."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a GPU if there is one."""
    dtype: Precision = "auto"
    """Of matrix products and convolutions (autocast); weights stay float32. auto: bfloat16 where
    the device is fast at it."""
    threads: int = 0
    """CPU threads; 0 leaves the choice to PyTorch."""
    workers: int = 0
    """Processes that cut batches; 0 is a thread of this one, enough for a CPU but not for a GPU."""
    compile: bool = False
    """Fuse the element-wise operations of a step by torch.compile: a minute or so at first."""
    graphs: bool = False
    """On one GPU: launch the kernels of a step together, as one CUDA graph per shape of crops."""
    profile: int = 0
    """Instead of training, time this many steps and write RUN/profile.json."""

    def __post_init__(self) -> None:
        for name in ("total_steps", "batch_tokens", "accumulate", "eval_every", "log_every"):
            _check(getattr(self, name) >= 1, f"{name} must be at least 1")
        for name in ("warmup_steps", "weight_decay", "seed", "threads", "workers", "profile"):
            _check(getattr(self, name) >= 0, f"{name} must not be negative")
        for name in ("total_minutes", "save_minutes"):
            _check(getattr(self, name) >= 0, f"{name} must not be negative")
        for name in ("downscale", "decay_fraction", "drawn", "eye_share"):
            _check(0 <= getattr(self, name) <= 1, f"{name} must be in 0..1")
        for name in ("lr_muon", "lr_adam", "lr_slow", "clip", "eye_rate"):
            _check(getattr(self, name) > 0, f"{name} must be positive")
        _check(0 <= self.ema < 1, "ema must be in [0, 1)")
        fits = all(len(crop) == 2 and min(crop) >= 1 for crop in self.crops)
        _check(bool(self.crops) and fits, "crops must be pairs of positive numbers of tokens")

    def done(self, step: int, seconds: float) -> float:
        """Share of the run that lies behind a step that begins after so many seconds."""
        if self.total_minutes:
            return seconds / (60 * self.total_minutes)
        return step / self.total_steps

    def factor(self, step: int, seconds: float = 0.0) -> float:
        """Learning rate of `step` as a share of its peak: warm-up, constant, linear decay."""
        warmup = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        left = max(0.0, 1 - self.done(step, seconds))
        return warmup * (min(1.0, left / self.decay_fraction) if self.decay_fraction else 1.0)


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


def recipe(model: ModelConfig) -> TrainConfig:
    """The training options that go with a preset."""
    if model.name == "paper":  # what section 4 of the paper tells: 32 crops of 384x384, 1 M steps
        return TrainConfig(
            total_steps=1_000_000,
            batch_tokens=32 * 24 * 24,
            crops=((24, 24),),
            warmup_steps=10_000,
            decay_fraction=0.1,
        )
    if model.name == "tiny":
        return TrainConfig(
            total_steps=200,
            batch_tokens=144,
            crops=((4, 6), (6, 6)),
            warmup_steps=10,
            lr_slow=0.01,  # it starts from noise
            tune="both",
            drawn=0.1,
        )
    return TrainConfig(  # hours on two cores
        total_steps=9_000,
        batch_tokens=2560,
        # All shapes of windows that images larger than one are cut into: of a shape that it has
        # never seen, an entropy model predicts up to 8 % worse.
        crops=tuple(itertools.product(range(12, 25), range(12, 25))),
        tune="both" if model.rate.eye else "psnr",
        drawn=0.04,
        init="klt",
        lr_muon=0.015,
        warmup_steps=50,
        ema=0.998,
        eval_every=500,
    )


@dataclass(frozen=True)
class RunConfig:
    """All that a run depends on besides its data: RUN/config.json."""

    model: ModelConfig
    train: TrainConfig

    def __post_init__(self) -> None:
        _check(
            self.train.tune != "both" or bool(self.model.rate.eye),
            "train.tune=both needs a model with two tunes (rate.eye)",
        )

    @classmethod
    def of_preset(cls, name: str) -> "RunConfig":
        """Model and recipe of the preset called `name`."""
        model = preset(name)
        return cls(model, recipe(model))

    @classmethod
    def load(cls, path: Path) -> "RunConfig":
        """Read what `save` wrote."""
        try:
            return coerce(cls, json.loads(path.read_text()), path.name)
        except (OSError, json.JSONDecodeError) as error:
            raise ConfigError(f"cannot read {path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    def options(self) -> dict[str, Any]:
        """All options by the names that `override` takes."""
        values = dataclasses.asdict(self)
        sections = {"train": values["train"], **values["model"]}
        return {
            f"{section}.{option}": value
            for section, options in sections.items()
            if isinstance(options, dict)
            for option, value in options.items()
        }

    def override(self, settings: Iterable[str]) -> "RunConfig":
        """Apply `train.lr_muon=0.02`, `entropy.layers=6`, ...; values are JSON or plain words."""
        values = dataclasses.asdict(self)
        for setting in settings:
            key, equals, text = setting.partition("=")
            section, _, option = key.strip().partition(".")
            sections = {"train": values["train"], **values["model"]}
            known = self.options()
            _check(bool(equals), f"{setting!r} is not of the form key=value")
            _check(key.strip() in known, f"unknown option {key}; known: {', '.join(known)}")
            sections[section][option] = _typed(section, option, text.strip())
        return coerce(RunConfig, values, "config")


def _typed(section: str, option: str, text: str) -> Any:
    """The value in `text`: JSON if the option's type is not a word."""
    owner = TrainConfig if section == "train" else typing.get_type_hints(ModelConfig)[section]
    hint = typing.get_type_hints(owner)[option]
    if typing.get_origin(hint) is Literal or hint is str:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{section}.{option}: cannot read {text!r}") from error
