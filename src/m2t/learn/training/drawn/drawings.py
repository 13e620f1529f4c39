"""Drawings: cartoons, line art, hatching, patterns, pixel art, plain colours."""

import math

import numpy as np
from PIL import Image

from . import fonts
from .canvas import Canvas
from .choices import Rng, between, chance, pick, title
from .colors import BLACK, WHITE, Color, Scheme, Size, gradient, hsv, mix, saturated, scheme

Point = tuple[float, float]


def _curve(rng: Rng, start: Point, reach: float, count: int = 4) -> list[Point]:
    """A smooth line from a point: a Bézier curve through random controls."""
    controls = np.array(start) + np.cumsum(rng.normal(0, reach, (count, 2)), axis=0)
    controls[0] = start
    times = np.linspace(0, 1, 16)[:, None]
    weights = [math.comb(count - 1, i) * times**i * (1 - times) ** (count - 1 - i)
               for i in range(count)]  # fmt: skip
    return [(float(x), float(y)) for x, y in np.concatenate(weights, axis=1) @ controls]


def _blob(rng: Rng, centre: Point, radius: float) -> list[Point]:
    """A closed shape: smooth, a star or a polygon."""
    kind, count = rng.random(), between(rng, 3, 9)
    angles = np.linspace(0, 2 * math.pi, 40 if kind < 0.5 else count, endpoint=False)
    if kind < 0.5:
        waves = rng.normal(0, 0.12, 3) @ [np.cos(k * angles + rng.random() * 6) for k in (1, 2, 3)]
        radii = radius * (1 + waves)
    elif kind < 0.75:
        angles = np.linspace(0, 2 * math.pi, 2 * count, endpoint=False)
        radii = radius * np.tile([1, rng.uniform(0.3, 0.8)], count)
    else:
        radii = radius * rng.uniform(0.6, 1.1, len(angles))
    turned = angles + rng.random() * 6
    xs, ys = centre[0] + radii * np.cos(turned), centre[1] + radii * np.sin(turned)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def cartoon(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Flat shapes with thick outlines before a sky, perhaps a speech bubble."""
    sky = gradient(rng, size, saturated(rng), hsv(rng.random(), 0.3, 1))
    paper = sky if chance(rng, 0.5) else scheme(rng).paper
    canvas = Canvas(rng, size, paper, 1 + chance(rng, 0.75), "smooth")
    width = pick(rng, (0, 1, 2, 3, 4, 6))
    for _ in range(between(rng, 3, 12)):
        centre = (size[0] * rng.random(), size[1] * rng.random())
        radius = min(size) * rng.uniform(0.05, 0.4)
        fill = saturated(rng) if chance(rng, 0.6) else hsv(rng.random(), 0.4, rng.uniform(0.3, 1))
        outline = BLACK if width else None
        if chance(rng, 0.3):
            x, y, flat = *centre, rng.uniform(0.4, 1)
            box = (x - radius, y - radius * flat, x + radius, y + radius * flat)
            canvas.ellipse(box, fill, outline, width)
        else:
            canvas.polygon(_blob(rng, centre, radius), fill, outline, width)
        if chance(rng, 0.25):
            _eyes(canvas, centre, radius / 3)
    if chance(rng, 0.4):
        _bubble(canvas, rng, max(1, width))
    return canvas.finish()


def _eyes(canvas: Canvas, centre: Point, radius: float) -> None:
    for side in (-1.1, 1.1):
        x, y = centre[0] + side * radius, centre[1]
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), WHITE, BLACK)
        canvas.ellipse((x - radius / 3, y, x + radius / 3, y + radius * 0.7), BLACK)


def _bubble(canvas: Canvas, rng: Rng, width: int) -> None:
    font, text = fonts.choose(rng, between(rng, 12, 26)), title(rng, 3)
    x, y = canvas.width * rng.uniform(0.1, 0.4), canvas.height * rng.uniform(0.05, 0.6)
    right, bottom = x + font.width(text) + font.size * 2, y + font.size * 3
    tail = [(x + 20, bottom - 4), (x + 40, bottom - 4), (x + 10, bottom + font.size * 2)]
    canvas.polygon(tail, WHITE, BLACK, width)
    canvas.rectangle((x, y, right, bottom), WHITE, BLACK, width, font.size)
    canvas.text(((x + right) / 2, (y + bottom) / 2), text, font, BLACK, "mm")


def line_art(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Pen strokes, curves and hatched shapes in one or a few inks."""
    colors = scheme(rng)
    canvas = Canvas(rng, size, colors.paper, 1 + chance(rng, 0.6))
    width, reach = pick(rng, (1, 1, 1.5, 2, 3)), max(size) / 5
    for _ in range(between(rng, 4, 30)):
        start = (size[0] * rng.random(), size[1] * rng.random())
        ink = colors.ink if chance(rng, 0.7) else colors.any(rng)
        kind = rng.random()
        if kind < 0.5:
            canvas.line(_curve(rng, start, reach), ink, width)
        elif kind < 0.75:
            shape = _blob(rng, start, reach * rng.random())
            canvas.polygon(shape, None, ink, round(width))
        else:
            _hatch(canvas, rng, start, reach, ink)
    if chance(rng, 0.3):
        font = fonts.choose(rng, between(rng, 10, 20))
        for _ in range(between(rng, 1, 6)):
            place = (size[0] * rng.random() * 0.8, size[1] * rng.random())
            canvas.text(place, title(rng, 2), font, colors.ink)
    return canvas.finish()


def _hatch(canvas: Canvas, rng: Rng, start: Point, reach: float, ink: Color) -> None:
    """Parallel strokes, perhaps crossed by others."""
    pitch, angle = rng.uniform(2, 8), rng.random() * math.pi
    for turn in (0, math.pi / 2)[: between(rng, 1, 2)]:
        dx, dy = math.cos(angle + turn), math.sin(angle + turn)
        for i in range(int(reach / pitch)):
            x, y = start[0] - dy * i * pitch, start[1] + dx * i * pitch
            canvas.line([(x, y), (x + dx * reach, y + dy * reach)], ink)


def blocks(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Small squares enlarged: matrix codes, checkers, pixel art; or bars and stripes."""
    cell = between(rng, 1, 12)
    across, down = size[0] // cell + 1, size[1] // cell + 1
    colors = scheme(rng)
    kind = rng.random()
    if kind < 0.35:
        cells = (rng.random((down, across)) < rng.uniform(0.3, 0.6)).astype(np.uint8)
    elif kind < 0.55:
        period = between(rng, 1, 4)
        rows, cols = np.arange(down)[:, None] // period, np.arange(across) // period
        cells = ((rows + cols) % 2).astype(np.uint8)
    elif kind < 0.75:
        stripes = np.repeat(rng.integers(0, 2, (1, across), dtype=np.uint8), down, 0)
        cells = stripes if chance(rng, 0.6) else np.repeat(stripes[:, :1] ^ 1, across, 1)
    else:
        cells = _sprites(rng, down, across)
    palette = np.array([colors.paper, colors.ink, *colors.accents], np.uint8)
    small = Image.fromarray(palette[cells])
    large = small.resize((across * cell, down * cell), Image.Resampling.NEAREST)
    canvas = Canvas(rng, size, colors.paper)
    quiet = pick(rng, (0, 0, 10, 30)) if min(size) > 100 else 0
    canvas.image.paste(large.crop((0, 0, size[0] - 2 * quiet, size[1] - 2 * quiet)), (quiet, quiet))
    if kind < 0.35 and chance(rng, 0.7):
        _finders(canvas, colors, quiet, cell)
    return canvas.finish()


def _finders(canvas: Canvas, colors: Scheme, quiet: int, cell: int) -> None:
    """The three large squares in the corners of a matrix code."""
    far = [(side - 2 * quiet) // cell - 7 for side in (canvas.width, canvas.height)]
    for column, row in ((0, 0), (far[0], 0), (0, far[1])):
        x, y = quiet + column * cell, quiet + row * cell
        for inset, color in (
            (-1, colors.paper),
            (0, colors.ink),
            (1, colors.paper),
            (2, colors.ink),
        ):
            left, size = inset * cell, (7 - 2 * inset) * cell
            canvas.rectangle((x + left, y + left, x + left + size, y + left + size), color)


def _sprites(rng: Rng, down: int, across: int) -> np.ndarray:
    """(down, across) numbers of colours: small symmetric figures, each in two inks."""
    cells = np.zeros((down, across), np.uint8)
    for top in range(0, down - 7, 9):
        for left in range(0, across - 7, 9):
            half = (rng.random((8, 4)) < 0.55) * rng.integers(1, 6, (8, 1))
            cells[top : top + 8, left : left + 8] = np.concatenate([half, half[:, ::-1]], axis=1)
    return cells


def shapes(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """A flat illustration or a logo: overlapping shapes, gradients and a name."""
    colors = scheme(rng)
    ground = gradient(rng, size, colors.paper, mix(colors.paper, colors.any(rng), 0.6))
    canvas = Canvas(rng, size, photo if chance(rng, 0.15) else ground, 1 + chance(rng, 0.5))
    for _ in range(between(rng, 2, 14)):
        x, y = size[0] * rng.uniform(-0.2, 1), size[1] * rng.uniform(-0.2, 1)
        wide, high = size[0] * rng.uniform(0.03, 0.6), size[1] * rng.uniform(0.03, 0.6)
        color, box = colors.any(rng), (x, y, x + wide, y + high)
        kind = int(rng.integers(4))
        if kind == 0:
            canvas.rectangle(box, color, None, 1, pick(rng, (0, 0, 12)))
        elif kind == 1:
            canvas.ellipse(box, color)
        elif kind == 2:
            canvas.shade(box, color, rng.uniform(0.3, 0.8))
        else:
            canvas.polygon(_blob(rng, (x, y), min(wide, high)), color)
    if chance(rng, 0.5):
        font = fonts.choose(rng, pick(rng, (24, 36, 48, 72)))
        canvas.text((size[0] / 2, size[1] / 2), title(rng, 2), font, colors.ink, "mm")
    return canvas.finish()


def plain(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """One colour, a slow gradient, or panels of either: nothing hides an error of one level."""

    def ground(size: Size) -> Image.Image:
        color = (
            saturated(rng) if chance(rng, 0.6) else hsv(rng.random(), rng.random(), rng.random())
        )
        if chance(rng, 0.7):
            return Image.new("RGB", size, color)
        return gradient(rng, size, color, mix(color, saturated(rng), rng.random()))

    image = ground(size)
    for _ in range(pick(rng, (0, 0, 1, 2, 6))):
        wide, high = (between(rng, 16, max(17, side)) for side in size)
        panel = ground((wide, high))
        image.paste(panel, (between(rng, -8, size[0]), between(rng, -8, size[1])))
    return image
