"""Charts, plans and maps."""

import math

import numpy as np
from PIL import Image

from . import fonts
from .canvas import Box, Canvas
from .choices import Rng, between, chance, figures, pick, title
from .colors import Color, Scheme, Size, mix, scheme
from .fonts import Font

Point = tuple[float, float]


def _sheet(rng: Rng, size: Size) -> tuple[Canvas, Scheme, Font]:
    colors = scheme(rng)
    canvas = Canvas(rng, size, colors.paper, 1 + chance(rng, 0.5))
    return canvas, colors, fonts.choose(rng, pick(rng, (9, 10, 11, 12, 13, 14, 16)))


def _axes(canvas: Canvas, rng: Rng, font: Font, colors: Scheme) -> Box:
    """Axes with ticks, figures and perhaps a grid and a heading; returns the inner box."""
    left, bottom = font.size * 3.5, canvas.height - font.size * 2.5
    top, right = font.size * 2.0, canvas.width - font.size
    across, down = between(rng, 2, 1 + canvas.width / 50), between(rng, 2, 1 + canvas.height / 40)
    ruled, tick = chance(rng, 0.6), font.size / 3
    labels = figures(rng, across + down + 2)
    for i in range(across + 1):
        x = left + (right - left) * i / across
        if ruled:
            canvas.line([(x, top), (x, bottom)], colors.mixed(0.15))
        canvas.line([(x, bottom), (x, bottom + tick)], colors.ink)
        canvas.text((x, bottom + tick + 1), labels.pop()[:5], font, colors.ink, "ma")
    for i in range(down + 1):
        y = bottom + (top - bottom) * i / down
        if ruled:
            canvas.line([(left, y), (right, y)], colors.mixed(0.15))
        canvas.line([(left - tick, y), (left, y)], colors.ink)
        canvas.text((left - tick - 1, y), labels.pop()[:5], font, colors.ink, "rm")
    if chance(rng, 0.6):
        canvas.text(((left + right) / 2, 2), title(rng, 5), font.sized(1.2), colors.ink, "ma")
    if chance(rng, 0.5):
        canvas.rectangle((left, top, right, bottom), None, colors.ink)
    else:
        canvas.line([(left, top), (left, bottom), (right, bottom)], colors.ink)
    return left, top, right, bottom


def _legend(canvas: Canvas, rng: Rng, place: Point, font: Font, inks: list[Color]) -> None:
    x, y = place
    for ink in inks:
        canvas.rectangle((x, y + 2, x + font.size, y + font.size), ink)
        canvas.text((x + font.size * 1.4, y), title(rng, 2), font, ink)
        y += font.size * 1.4


def lines(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Curves or points between axes."""
    canvas, colors, font = _sheet(rng, size)
    left, top, right, bottom = _axes(canvas, rng, font, colors)
    inks = [colors.any(rng) for _ in range(between(rng, 1, 4))]
    scattered, marked, width = chance(rng, 0.25), chance(rng, 0.4), pick(rng, (1, 1, 2, 3))
    for ink in inks:
        count = between(rng, 5, 60)
        walk = rng.standard_normal(count).cumsum()
        walk = (walk - walk.min()) / max(float(np.ptp(walk)), 1e-3)
        level, spread = rng.uniform(0, 0.4), rng.uniform(0.2, 0.6)
        heights = (bottom + (top - bottom) * (level + spread * walk)).tolist()
        places = np.linspace(left, right, count).tolist()
        points = list(zip(places, heights, strict=True))
        if not scattered:
            canvas.line(points, ink, width)
        for x, y in points if marked or scattered else ():
            canvas.ellipse((x - 2 - width, y - 2 - width, x + 2 + width, y + 2 + width), ink)
    if chance(rng, 0.5):
        _legend(canvas, rng, (left + 8, top + 6), font, inks)
    return canvas.finish()


def bars(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Bars between axes, one or several to a group."""
    canvas, colors, font = _sheet(rng, size)
    left, top, right, bottom = _axes(canvas, rng, font, colors)
    groups, each = between(rng, 2, 3 + size[0] / 30), between(rng, 1, 3)
    inks = [colors.any(rng) for _ in range(each)]
    step, gap = (right - left) / groups, rng.uniform(0.1, 0.5)
    edge = colors.ink if chance(rng, 0.4) else None
    for group in range(groups):
        for number, ink in enumerate(inks):
            x = left + step * (group + gap / 2 + (1 - gap) * number / each)
            y = bottom + (top - bottom) * rng.uniform(0.05, 1)
            canvas.rectangle((x, y, x + step * (1 - gap) / each, bottom), ink, edge)
    return canvas.finish()


def pie(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """A pie or a ring with shares written on or beside it."""
    canvas, colors, font = _sheet(rng, size)
    radius = min(size) * rng.uniform(0.25, 0.48)
    x, y = size[0] * rng.uniform(0.35, 0.6), size[1] * rng.uniform(0.4, 0.6)
    parts = rng.dirichlet(np.ones(between(rng, 2, 8))).tolist()
    box, angle, inks = (x - radius, y - radius, x + radius, y + radius), 0.0, []
    for number, part in enumerate(parts):
        inks.append(mix(colors.accents[number % len(colors.accents)], colors.paper, number / 14))
        canvas.pie(box, angle, angle + 360 * part, inks[-1], colors.paper)
        middle = math.radians(angle + 180 * part)
        place = (x + radius * 0.75 * math.cos(middle), y + radius * 0.75 * math.sin(middle))
        canvas.text(place, f"{part:.0%}", font, colors.ink, "mm")
        angle += 360 * part
    if chance(rng, 0.4):
        canvas.ellipse(
            (x - radius / 2, y - radius / 2, x + radius / 2, y + radius / 2), colors.paper
        )
    _legend(canvas, rng, (4, 4), font, inks)
    return canvas.finish()


def flow(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Boxes with captions and arrows between them."""
    canvas, colors, font = _sheet(rng, size)
    across, down = between(rng, 1, 1 + size[0] / 130), between(rng, 1, 1 + size[1] / 90)
    wide, high = size[0] / across, size[1] / down
    width, radius = between(rng, 1, 3), pick(rng, (0, 0, 6, 20))
    for number in range(across * down):
        x, y = (number % across + 0.5) * wide, (number // across + 0.5) * high
        if number % across < across - 1:
            _arrow(canvas, (x + wide * 0.35, y), (x + wide * 0.65, y), colors.ink, width)
        if chance(rng, 0.7):
            _arrow(canvas, (x, y + high * 0.28), (x, y + high * 0.72), colors.ink, width)
        fill = colors.any(rng) if chance(rng, 0.3) else colors.mixed(rng.uniform(0, 0.15))
        box = (x - wide * 0.35, y - high * 0.28, x + wide * 0.35, y + high * 0.28)
        if chance(rng, 0.2):
            diamond = [(box[0], y), (x, box[1]), (box[2], y), (x, box[3])]
            canvas.polygon(diamond, fill, colors.ink, width)
        else:
            canvas.rectangle(box, fill, colors.ink, width, radius)
        caption = title(rng, 2)[: max(1, font.letters(wide * 0.65))]
        canvas.text((x, y), caption, font, colors.ink, "mm")
    return canvas.finish()


def _arrow(canvas: Canvas, start: Point, end: Point, color: Color, width: int) -> None:
    angle, head = math.atan2(end[1] - start[1], end[0] - start[0]), 4 + 2 * width
    canvas.line([start, end], color, width)
    sides = [angle + math.pi * 0.85, angle - math.pi * 0.85]
    tips = [(end[0] + head * math.cos(a), end[1] + head * math.sin(a)) for a in sides]
    canvas.polygon([end, *tips], color)


def street_map(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Blocks, water and parks, roads with edges, and names."""
    canvas, colors, font = _sheet(rng, size)
    land = colors.mixed(0.06)
    canvas.rectangle((0, 0, *size), land)
    span = max(size)
    for _ in range(between(rng, 2, 5)):
        corners = rng.uniform(-0.2, 0.5, (between(rng, 4, 9), 2)) * span
        middle = rng.random(2) * span * 0.7
        angles = np.argsort(np.arctan2(*(corners - corners.mean(0)).T))
        shape = [(float(x), float(y)) for x, y in corners[angles] + middle]
        canvas.polygon(shape, mix(land, colors.any(rng), rng.uniform(0.2, 0.7)))
    roads = []
    for _ in range(between(rng, 3, 12)):
        (x, y), angle = rng.random(2) * span, rng.random() * math.pi
        bend = float(rng.normal(0, 0.3))
        ends = (angle + math.pi, angle + bend)
        far = [(x + span * 1.5 * math.cos(a), y + span * 1.5 * math.sin(a)) for a in ends]
        roads.append(([far[0], (x, y), far[1]], pick(rng, (1, 2, 4, 6, 10))))
    fill = pick(rng, (colors.paper, colors.any(rng)))
    for road, width in roads:
        canvas.line(road, colors.mixed(0.4), width + 2)
    for road, width in roads:
        canvas.line(road, fill, width)
    for x, y in (rng.random((between(rng, 3, 14), 2)) * size).tolist():
        rim = (1, colors.paper) if chance(rng, 0.5) else None
        canvas.text((x, y), title(rng, 2), font, colors.ink, "mm", rim)
        canvas.ellipse((x - 2, y + font.size, x + 3, y + font.size + 5), colors.any(rng))
    return canvas.finish()
