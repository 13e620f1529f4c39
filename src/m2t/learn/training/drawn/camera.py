"""What cameras, scanners and scalers do to a page or a screen."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from .choices import Rng, between, chance, pick
from .colors import Size

Paint = Callable[[Size], Image.Image]
"""Draws the picture in a size."""


def shoot(rng: Rng, paint: Paint, size: Size) -> Image.Image:
    """The picture seen at an angle, scaled, blurred, noisy or compressed, or some of these."""
    kind = rng.random()
    if kind < 0.35:
        image = _askew(rng, paint, size)
    elif kind < 0.7:
        image = _scaled(rng, paint, size)
    else:
        image = paint(size)
    if chance(rng, 0.35):
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    if chance(rng, 0.3):
        image = _noisy(rng, image)
    return _compressed(rng, image) if chance(rng, 0.4) else image


def _askew(rng: Rng, paint: Paint, size: Size) -> Image.Image:
    """Turned by a few degrees and seen in perspective, cut from a larger picture."""
    room = 0.15 * max(size)
    larger = (round(size[0] + 2 * room), round(size[1] + 2 * room))
    angle = float(rng.normal(0, 0.04)) if chance(rng, 0.8) else rng.uniform(-0.2, 0.2)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(size) / 2
    seen = corners @ turn + rng.uniform(-room, room, (4, 2)) * pick(rng, (0.05, 0.2, 0.5))
    image = paint(larger)
    return image.transform(
        size,
        Image.Transform.PERSPECTIVE,
        _coefficients(corners + np.array(size) / 2, seen + np.array(larger) / 2),
        Image.Resampling.BICUBIC,
        fillcolor=image.getpixel((0, 0)),
    )


def _coefficients(here: np.ndarray, there: np.ndarray) -> list[float]:
    """Pillow's eight numbers of the perspective that looks up `here` (4, 2) at `there` (4, 2)."""
    rows, values = [], []
    for (x, y), (u, v) in zip(here, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows), np.array(values)).tolist()


def _scaled(rng: Rng, paint: Paint, size: Size) -> Image.Image:
    """Drawn larger or smaller, then scaled; whole factors without smoothing as well."""
    if chance(rng, 0.15):
        small = paint(((size[0] + 1) // 2, (size[1] + 1) // 2))
        twice = small.resize((small.width * 2, small.height * 2), Image.Resampling.NEAREST)
        return twice.crop((0, 0, *size))
    factor = rng.uniform(1.05, 1.7) if chance(rng, 0.6) else rng.uniform(0.5, 0.95)
    drawn = paint((max(8, round(size[0] * factor)), max(8, round(size[1] * factor))))
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
    return drawn.resize(size, pick(rng, filters))


def _noisy(rng: Rng, image: Image.Image) -> Image.Image:
    """With the grain of a sensor, the same in all three channels."""
    pixels = np.asarray(image, np.float32)
    grain = rng.standard_normal((*pixels.shape[:2], 1), np.float32) * rng.uniform(0.5, 5)
    return Image.fromarray((pixels + grain + 0.5).clip(0, 255).astype(np.uint8))


def _compressed(rng: Rng, image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=between(rng, 75, 95), subsampling=pick(rng, (0, 2, 2)))
    return Image.open(file).convert("RGB")
