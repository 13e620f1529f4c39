"""Parts of user interfaces: icons, buttons, lists, controls, tables and cards."""

from PIL import Image

from .canvas import Box, Canvas
from .choices import Rng, between, chance, figures, line, pick, title, words
from .colors import Color, Scheme, against, mix
from .fonts import Font
from .pages import Style, set_block


def icon(canvas: Canvas, rng: Rng, box: Box, color: Color) -> None:
    """A symbol of one or two simple shapes."""
    left, top, right, bottom = box
    middle, centre = (left + right) / 2, (top + bottom) / 2
    width = max(1, round((right - left) / 10))
    kind = int(rng.integers(7))
    if kind == 0:
        canvas.rectangle(box, None, color, width, (right - left) / 5)
    elif kind == 1:
        canvas.ellipse(box, None, color, width)
        canvas.line(
            [(middle, top + width), (middle, centre), (right - width, centre)], color, width
        )
    elif kind == 2:
        for i in range(3):
            y = top + (bottom - top) * (i + 0.5) / 3
            canvas.line([(left, y), (right, y)], color, width)
    elif kind == 3:
        canvas.polygon([(left, bottom), (middle, top), (right, bottom)], color)
    elif kind == 4:
        canvas.line([(left, top), (right, bottom)], color, width)
        canvas.line([(right, top), (left, bottom)], color, width)
    elif kind == 5:
        canvas.ellipse((left, top, middle + width, centre + width), None, color, width)
        canvas.line([(middle, centre), (right, bottom)], color, width)
    else:
        canvas.ellipse(
            (middle - (right - left) / 4, top, middle + (right - left) / 4, centre), color
        )
        canvas.rectangle((left, centre + 1, right, bottom), color, None, 1, (right - left) / 3)


def button(
    canvas: Canvas, rng: Rng, place: tuple[float, float], font: Font, colors: Scheme
) -> float:
    """A button with a caption; returns where it ends on the right."""
    (x, y), caption = place, title(rng, 2)
    right, bottom = x + font.width(caption) + font.size * 1.6, y + font.size * 2
    fill = colors.any(rng) if chance(rng, 0.5) else colors.mixed(rng.uniform(0, 0.15))
    edge = mix(fill, against(fill), 0.3) if chance(rng, 0.6) else None
    canvas.rectangle((x, y, right, bottom), fill, edge, 1, pick(rng, (0, 3, 6, font.size)))
    canvas.text(((x + right) / 2, (y + bottom) / 2), caption, font, against(fill), "mm")
    return right


def rows(canvas: Canvas, rng: Rng, box: Box, font: Font, colors: Scheme) -> None:
    """A list, one of its rows selected, perhaps with icons and lines between the rows."""
    left, top, right, bottom = box
    canvas.rectangle(box, colors.mixed(0.04))
    canvas.line([(right, top), (right, bottom)], colors.mixed(0.25))
    pitch = font.size * rng.uniform(1.4, 2.4)
    selected, icons, ruled = between(rng, 0, 8), chance(rng, 0.6), chance(rng, 0.4)
    letters = max(1, font.letters(right - left - font.size * 2.5))
    for row in range(int((bottom - top) / pitch) + 1):
        y = top + row * pitch
        fill = colors.any(rng) if row == selected else colors.mixed(0.04)
        if row == selected:
            canvas.rectangle((left, y, right, y + pitch), fill)
        if ruled:
            canvas.line([(left, y), (right, y)], colors.mixed(0.15))
        ink = against(fill) if row == selected else colors.ink
        x, middle, half = left + font.size * 0.6, y + pitch / 2, font.size / 2
        if icons:
            icon(canvas, rng, (x, middle - half, x + font.size, middle + half), ink)
            x += font.size * 1.5
        canvas.text((x, middle), line(rng, letters)[:letters], font, ink, "lm")


def controls(canvas: Canvas, rng: Rng, box: Box, font: Font, colors: Scheme) -> None:
    """Labels with fields, boxes to tick, sliders and buttons."""
    left, y, right, bottom = box
    indent, radius = (right - left) * rng.uniform(0.25, 0.45), pick(rng, (0, 0, 3, 6))
    edge, size = colors.mixed(0.4), font.size
    while y < bottom:
        kind, x = rng.random(), left + indent
        if kind < 0.75:
            canvas.text((left, y + size), title(rng, 2) + ":", font, colors.ink, "lm")
        if kind < 0.35:
            canvas.rectangle((x, y, right, y + size * 2), colors.mixed(0.02), edge, 1, radius)
            entry = line(rng, font.letters(right - x) * 2 // 3)
            canvas.text((x + 5, y + size), entry, font, colors.mixed(0.8), "lm")
        elif kind < 0.6:
            dot = (x, y + size / 2, x + size, y + size * 1.5)
            (canvas.ellipse if radius else canvas.rectangle)(dot, colors.paper, edge)
            if chance(rng, 0.5):
                canvas.line([(x + 2, y + size), (x + size / 2, y + size * 1.3),
                             (x + size, y + size / 2)], colors.any(rng), 2)  # fmt: skip
            canvas.text((x + size * 1.5, y + size), title(rng, 3), font, colors.ink, "lm")
        elif kind < 0.75:
            at = x + (right - x) * rng.random()
            canvas.rectangle((x, y + size - 2, right, y + size + 2), colors.mixed(0.2))
            canvas.rectangle((x, y + size - 2, at, y + size + 2), colors.any(rng))
            canvas.ellipse((at - size / 2, y + size / 2, at + size / 2, y + size * 1.5), edge)
        else:
            x = left
            for _ in range(between(rng, 1, 3)):
                x = button(canvas, rng, (x, y), font, colors) + size
        y += size * pick(rng, (2.4, 2.8, 3.2))


def grid(canvas: Canvas, rng: Rng, box: Box, font: Font, colors: Scheme) -> None:
    """A table with a head, grid lines or stripes, words and figures."""
    left, top, right, bottom = box
    pitch, ruled, striped = font.size * rng.uniform(1.4, 2.2), chance(rng, 0.7), chance(rng, 0.4)
    widths, x = [], left
    while x < right:
        widths.append(font.size * rng.uniform(3, 9))
        x += widths[-1]
    count, edge = int((bottom - top) / pitch) + 1, colors.mixed(rng.uniform(0.15, 0.6))
    head = colors.any(rng) if chance(rng, 0.4) else colors.mixed(0.12)
    canvas.rectangle((left, top, right, top + pitch), head)
    for row in range(1, count):
        if striped and row % 2:
            y = top + row * pitch
            canvas.rectangle((left, y, right, y + pitch), colors.mixed(0.07))
    x = left
    for width in widths:
        numeric, letters = chance(rng, 0.5), max(1, font.letters(width) - 1)
        cells = figures(rng, count) if numeric else words(rng, count)
        for row, cell in enumerate(cells):
            ink = colors.any(rng) if chance(rng, 0.04) else colors.ink
            if row == 0:
                ink = against(head)
            place = (x + width - 4 if numeric else x + 4, top + (row + 0.5) * pitch)
            canvas.text(place, cell[:letters], font, ink, "rm" if numeric else "lm")
        if ruled:
            canvas.line([(x, top), (x, bottom)], edge)
        x += width
    for row in range(count if ruled or chance(rng, 0.5) else 0):
        canvas.line([(left, top + row * pitch), (right, top + row * pitch)], edge)


def tiles(
    canvas: Canvas, rng: Rng, box: Box, font: Font, colors: Scheme, photo: Image.Image
) -> None:
    """Cards with a picture or a colour and a few lines, as in shops and on telephones."""
    left, top, right, bottom = box
    wide = max(font.size * 4, (right - left) / between(rng, 1, 4))
    high, radius = wide * rng.uniform(0.6, 1.3), pick(rng, (0, 4, 10))
    y = top
    while y < bottom:
        x = left
        while x < right - 4:
            card = (x, y, x + wide - 8, y + high - 8)
            canvas.rectangle(card, colors.mixed(0.05), colors.mixed(0.2), 1, radius)
            inner = (x + 6, y + 6, x + wide - 14, y + high * 0.6)
            if chance(rng, 0.5):
                canvas.paste(photo, inner)
            else:
                canvas.rectangle(inner, colors.any(rng), None, 1, radius)
            caption = (x + 6, y + high * 0.64, x + wide - 12, y + high - 12 - font.size)
            set_block(canvas, rng, caption, Style(font, 1.2, (colors.ink,)))
            x += wide
        y += high
