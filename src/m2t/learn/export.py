"""From a training run to a file that codes alike everywhere: `m2t export`.

The entropy model becomes integers (integers/entropy_to_integers.py), and so do lapped transforms of
widths that the core takes (integers/transforms_to_integers.py). Others stay floats, stored in fewer
bits: bfloat16 where they compute in it, float16 elsewhere, and 7 bits with a unit per row for the
convolutions of residual blocks. All that changes the model a little, so the result has an id of its
own.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..config import Aim, ModelConfig
from ..errors import ConfigError
from ..weights import read_weights
from ..weights.file import INTEGER, LAPPED
from .files import save_model
from .integers.calibrate import calibrate
from .integers.entropy_to_integers import export as export_entropy
from .integers.rounding import quantise_rows
from .integers.transforms_to_integers import integral, quantise
from .load import UNITS, load_model
from .networks.model import Model
from .training.config import RunConfig, TrainConfig
from .training.data import list_images, open_centre

NUM_IMAGES = 48
CROP = 24
"""Side, in tokens, of the pictures that scales of the transforms are measured on."""


def export(
    source: Path,
    target: Path,
    data: Path,
    *,
    num_images: int = NUM_IMAGES,
    overrides: Sequence[str] = (),
) -> bytes:
    """Write what the run's weights `source` become to `target`; returns the new model id.

    Scales of activations are calibrated on images of `data`, a folder or a list of paths.
    `overrides` such as "rate.eye=[[1,-1],[50,0.3],[100,1]]" change what the dial stands for.
    """
    model = load_model(source)
    model.config = turned(model.config, overrides)
    seen = calibrate(model.entropy, windows(model, data, num_images))
    if integral(model.config.transform):
        pictures = crops(model, data, num_images)
        integers = quantise(model, model.config, pictures)
        state = {LAPPED + name: tensor for name, tensor in integers.items()}
    else:
        state = _floats(model)
    for name, tensor in export_entropy(model.entropy, model.config, seen).items():
        state[INTEGER + name] = tensor
    target.parent.mkdir(parents=True, exist_ok=True)
    save_model(target, model.config, state)
    target.chmod(0o644)
    return read_weights(target).identity


def turned(config: ModelConfig, overrides: Sequence[str]) -> ModelConfig:
    """`config` with another dial; ConfigError for overrides of anything else."""
    changed = RunConfig(config, TrainConfig()).override(overrides).model
    rate = changed.rate
    dial = replace(config.rate, psnr=rate.psnr, eye=rate.eye, eye_strength=rate.eye_strength)
    same = replace(config, rate=dial) == changed and bool(config.rate.eye) == bool(dial.eye)
    if not same:
        reason = "only rate.psnr may vary, and with both tunes rate.eye and rate.eye_strength"
        raise ConfigError(reason)
    return changed


def _floats(model: Model) -> dict[str, Tensor]:
    """The transforms, stored in fewer bits."""
    state: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        if not name.startswith("entropy."):
            state |= _stored(model, name, tensor)
    return state


@torch.no_grad()
def crops(model: Model, data: Path, num_images: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures x (1, 3, H, W) and qualities t (1, 2), from images spread over the list."""
    paths, tunes = list_images(data), model.config.rate.tunes
    for i in range(min(num_images, len(paths))):
        x = open_centre(paths[i * len(paths) // num_images], CROP).float() / 255
        if x.numel():
            for k, quality in enumerate((1, 100, 37 * i % 100 + 1)):
                aim = Aim(quality, tunes[(i + k) % len(tunes)])
                yield x, torch.tensor([model.config.rate.t(aim)])


def _stored(model: Model, name: str, tensor: Tensor) -> dict[str, Tensor]:
    """A parameter of the transforms as a file holds it."""
    linear = any(name.startswith(f"{layer}.") for layer in model.roles().linear)
    inside = model.synthesis.mixed_precision and not linear  # of autocast
    if inside and tensor.shape[2:] == (3, 3) and "block" in name:
        integers, units = quantise_rows(tensor.flatten(1))
        return {name: integers.view_as(tensor), name + UNITS: units}
    return {name: tensor.to(torch.bfloat16 if inside and tensor.ndim > 1 else torch.float16)}


@torch.inference_mode()
def windows(model: Model, data: Path, num_images: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Tokens (1, h, w, C) and qualities t (1,), from images spread over the list.

    Six windows of each, of all shapes that large images are cut into: activations differ by shape.
    """
    paths, largest = list_images(data), model.config.entropy.window
    smallest, count = (largest + 1) // 2, largest // 2 + 1
    number, tunes = itertools.count(), model.config.rate.tunes
    for i in range(min(num_images, len(paths))):
        path = paths[i * len(paths) // num_images]
        x = open_centre(path, largest).float() / 255
        if not x.numel():
            continue  # less than a token
        # Both ends for each image, and of those between all for some image.
        for quality in (1, 100, *((4 * i + i // 25 + 25 * k) % 100 + 1 for k in range(4))):
            n = next(number)
            aim = Aim(quality, tunes[n // 2 % len(tunes)])
            t = torch.tensor([model.config.rate.t(aim)])
            y = model.analyse(x, t).round().permute(0, 2, 3, 1)
            yield y[:, : smallest + n % count, : smallest + (n + n // count) % count], t
