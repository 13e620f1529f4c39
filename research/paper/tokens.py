"""Tokens of a frozen transform, kept on disk: what entropy models are trained and tested on."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from m2t.atomic import replacing
from m2t.codec import Codec
from m2t.config import STRIDE, Aim
from m2t.eval.metrics import load_rgb
from m2t.image import open_image, to_picture


@dataclass(frozen=True)
class Tokens:
    """Of several images at one quality and tune."""

    images: list[NDArray[np.int16]]
    """(h, w, C) each."""

    @property
    def channels(self) -> int:
        """C."""
        return self.images[0].shape[2]

    def first(self, count: int) -> "Tokens":
        """Those of the first images."""
        return Tokens(self.images[:count])

    def of_channels(self, channels: int) -> "Tokens":
        """Without the channels of least variance."""
        return Tokens([image[..., :channels] for image in self.images])

    def whole_windows(self, side: int) -> "Tokens":
        """Each image's upper left part that consists of side x side windows."""
        parts = [i[: len(i) // side * side, : i.shape[1] // side * side] for i in self.images]
        return Tokens([part for part in parts if part.size])

    def batch(self, step: int, count: int, side: int, seed: int = 0) -> NDArray[np.int16]:
        """(count, side, side, C) windows from anywhere: the same ones for the same step."""
        rng = np.random.default_rng((seed, step))
        fits = [image for image in self.images if min(image.shape[:2]) >= side]
        weights = np.array([image.shape[0] * image.shape[1] for image in fits], float)
        chosen = rng.choice(len(fits), count, p=weights / weights.sum())
        return np.stack([_cut(rng, fits[i], side) for i in chosen])


def _cut(rng: np.random.Generator, image: NDArray[np.int16], side: int) -> NDArray[np.int16]:
    top, left = (rng.integers(size - side + 1) for size in image.shape[:2])
    return image[top : top + side, left : left + side]


def tokens_of(codec: Codec, paths: Sequence[Path], aim: Aim, folder: Path) -> Tokens:
    """Tokens of images, from the folder if they are there already."""
    facts = [codec.identity.hex(), aim, *map(str, paths)]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    path = folder / f"tokens_{key}.npz"
    if not path.exists():
        images = [
            codec.analyse(to_picture(open_image(p)), aim).astype(np.int16)
            for p in tqdm(paths, desc="tokens", disable=None)
        ]
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part, part.open("wb") as file:
            shapes = np.array([image.shape for image in images])
            np.savez(file, shapes=shapes, tokens=np.concatenate([i.ravel() for i in images]))
    with np.load(path) as stored:
        shapes, tokens = stored["shapes"], stored["tokens"]
    ends = list(accumulate(int(shape.prod()) for shape in shapes))
    parts = np.split(tokens, ends[:-1])
    return Tokens([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])


def distortion(codec: Codec, paths: Sequence[Path], aim: Aim, channels: int) -> float:
    """Mean squared error (0..255) of images that keep only so many channels of their tokens."""
    errors = []
    for path in paths:
        original = load_rgb(path)
        y_hat = codec.analyse(to_picture(open_image(path)), aim)
        y_hat[..., channels:] = 0
        height, width = original.shape[:2]
        decoded = codec.synthesise(y_hat, height, width, aim)
        errors.append(np.mean((original.astype(float) - decoded) ** 2))
    return float(np.mean(errors))


def num_pixels(tokens: Tokens) -> int:
    """Pixels that tokens stand for."""
    return sum(image.shape[0] * image.shape[1] for image in tokens.images) * STRIDE**2
