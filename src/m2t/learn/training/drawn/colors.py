"""Colours that go together, and grounds of flat colour, gradients or photographs."""

import colorsys
from dataclasses import dataclass

from PIL import Image, ImageOps

from .choices import Rng, between, chance, pick

Color = tuple[int, int, int]
Size = tuple[int, int]
"""Width and height in pixels."""

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
PURE = ((255, 0, 0), (0, 255, 0), (0, 0, 255), BLACK)
_CORNERS = (*PURE[:3], (255, 255, 0), (0, 255, 255), (255, 0, 255), (0, 128, 0), (128, 0, 0))


@dataclass(frozen=True)
class Scheme:
    """The colours of one picture."""

    paper: Color
    ink: Color
    accents: tuple[Color, ...]

    def any(self, rng: Rng) -> Color:
        """One of the accents."""
        return pick(rng, self.accents)

    def mixed(self, share: float) -> Color:
        """Paper with that share of ink."""
        return mix(self.paper, self.ink, share)


def mix(first: Color, second: Color, share: float) -> Color:
    """From `first` (0) to `second` (1)."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def hsv(hue: float, saturation: float, value: float) -> Color:
    """Each in [0, 1]."""
    red, green, blue = (round(255 * x) for x in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue


def luma(color: Color) -> float:
    """Brightness in [0, 255]."""
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]


def against(color: Color) -> Color:
    """Black or white, whichever can be read on a colour."""
    return BLACK if luma(color) > 128 else WHITE


def saturated(rng: Rng) -> Color:
    """A corner of the RGB cube or another strong colour."""
    if chance(rng, 0.5):
        return pick(rng, _CORNERS)
    return hsv(rng.random(), rng.uniform(0.6, 1), rng.uniform(0.5, 1))


def away_from(rng: Rng, paper: Color) -> Color:
    """A strong colour that can be told from the paper."""
    for _ in range(8):
        color = saturated(rng)
        if _distance(color, paper) > 300:
            return color
    return against(paper)


def _distance(first: Color, second: Color) -> float:
    """How well two colours can be told apart, brightness counting most: up to 1275."""
    channels = sum(abs(a - b) for a, b in zip(first, second, strict=True))
    return channels + 2 * abs(luma(first) - luma(second))


def scheme(rng: Rng) -> Scheme:
    """Dark on light most often, then light on dark, saturated on plain, and on saturated."""
    kind = rng.random()
    if kind < 0.7:
        paper = WHITE if chance(rng, 0.6) else _tinted(rng, 0.85, 1)
        ink = BLACK if chance(rng, 0.5) else _tinted(rng, 0, 0.5)
        if kind > 0.48:
            paper, ink = (BLACK if chance(rng, 0.3) else _tinted(rng, 0, 0.25)), paper
        return Scheme(paper, ink, tuple(away_from(rng, paper) for _ in range(4)))
    paper = pick(rng, (WHITE, WHITE, WHITE, BLACK)) if kind < 0.88 else saturated(rng)
    accents = PURE if kind < 0.78 else tuple(away_from(rng, paper) for _ in range(4))
    ink = pick(rng, accents)
    return Scheme(paper, away_from(rng, paper) if ink == paper else ink, accents)


def _tinted(rng: Rng, low: float, high: float) -> Color:
    """A grey with a hint of colour."""
    return hsv(rng.random(), rng.random() ** 2 * 0.35, rng.uniform(low, high))


def gradient(rng: Rng, size: Size, first: Color, second: Color) -> Image.Image:
    """From one colour to the other: down, across, or round a centre."""
    ramp = Image.radial_gradient("L") if chance(rng, 0.3) else Image.linear_gradient("L")
    if chance(rng, 0.5):
        ramp = ramp.transpose(Image.Transpose.ROTATE_90)
    ramp = ramp.resize(size, Image.Resampling.BILINEAR)
    return ImageOps.colorize(ramp, first, second)


def ground_for(rng: Rng, size: Size, paper: Color, photo: Image.Image) -> Color | Image.Image:
    """What text lies on: the paper itself, its gradient, or a faded photograph."""
    kind = rng.random()
    if kind < 0.84:
        return paper
    if kind < 0.94:
        return gradient(rng, size, paper, mix(paper, saturated(rng), rng.uniform(0.1, 0.5)))
    return Image.blend(photo, Image.new("RGB", photo.size, paper), between(rng, 3, 8) / 10)
