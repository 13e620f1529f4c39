"""User interfaces: windows, forms, tables, terminals, slides and tiles."""

from PIL import Image

from . import fonts
from .canvas import Box, Canvas
from .choices import Rng, between, chance, figures, line, pick, title, words
from .colors import BLACK, WHITE, Scheme, Size, against, gradient, luma, mix, scheme
from .fonts import Font
from .pages import Style, set_block
from .widgets import controls, grid, icon, rows, tiles

_SIZES = (10, 11, 12, 12, 13, 13, 14, 14, 15, 16, 18)


def _screen(rng: Rng, size: Size) -> tuple[Canvas, Scheme, Font]:
    """An empty screen, the colours and the face of its controls."""
    colors = scheme(rng)
    look = pick(rng, ("smooth", "smooth", "fringed", "fringed", "aliased"))
    canvas = Canvas(rng, size, colors.mixed(pick(rng, (0, 0, 0.05, 0.1))), look=look)
    return canvas, colors, fonts.choose(rng, pick(rng, _SIZES))


def window(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """A title bar, a menu, tools, a list at the side and contents; perhaps on a desktop."""
    canvas, colors, font = _screen(rng, size)
    left, top, bar = 0, 0, font.size * 2
    if chance(rng, 0.35):
        canvas.paste(photo, (0, 0, *size))
        left, top = between(rng, -20, size[0] / 4), between(rng, -20, size[1] / 4)
        canvas.shade((left + 5, top + 5, size[0], size[1]), BLACK, 0.4)
    canvas.rectangle((left, top, *size), colors.paper, colors.mixed(0.5))
    head = colors.any(rng) if chance(rng, 0.5) else colors.mixed(0.12)
    canvas.rectangle((left + 1, top + 1, size[0], top + bar), head)
    canvas.text((left + font.size, top + bar / 2), title(rng), font, against(head), "lm")
    for i in range(3):
        x = size[0] - (i + 1) * font.size * 1.7
        box = (x, top + font.size * 0.6, x + font.size * 0.8, top + font.size * 1.4)
        icon(canvas, rng, box, against(head))
    y = top + bar
    if chance(rng, 0.6):
        menu = "   ".join(word.capitalize() for word in words(rng, 9))
        canvas.text((left + 8, y + 4), menu, font, colors.ink)
        y += bar
    if chance(rng, 0.6):
        y = _tools(canvas, rng, (left, y), font, colors)
    side = left + (between(rng, size[0] / 5, size[0] / 2.5) if chance(rng, 0.6) else 0)
    if side > left:
        rows(canvas, rng, (left + 1, y, side, size[1]), font, colors)
    _contents(canvas, rng, (side + font.size, y + 6, size[0] - 8, size[1]), font, colors, photo)
    return canvas.finish()


def _tools(
    canvas: Canvas, rng: Rng, place: tuple[float, float], font: Font, colors: Scheme
) -> float:
    """A row of icons; returns where it ends below."""
    left, top = place
    side = font.size * rng.uniform(1, 2)
    canvas.rectangle((left + 1, top, canvas.width, top + side * 1.6), colors.mixed(0.07))
    canvas.line([(left, top + side * 1.6), (canvas.width, top + side * 1.6)], colors.mixed(0.25))
    x = left + side / 2
    while x < canvas.width:
        color = colors.any(rng) if chance(rng, 0.4) else colors.ink
        icon(canvas, rng, (x, top + side * 0.3, x + side, top + side * 1.3), color)
        x += side * (2.4 if chance(rng, 0.15) else 1.5)
    return top + side * 1.6


def _contents(
    canvas: Canvas, rng: Rng, box: Box, font: Font, colors: Scheme, photo: Image.Image
) -> None:
    """What a window shows: text, controls, a table or pictures."""
    kind = rng.random()
    if kind < 0.35:
        set_block(canvas, rng, box, Style(font, rng.uniform(1.1, 1.6), (colors.ink,)))
    elif kind < 0.6:
        controls(canvas, rng, box, font, colors)
    elif kind < 0.8:
        grid(canvas, rng, box, font, colors)
    else:
        tiles(canvas, rng, box, font, colors, photo)


def form(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Settings or a dialogue."""
    canvas, colors, font = _screen(rng, size)
    box = (between(rng, -10, 30), between(rng, -10, 20), size[0] - between(rng, 0, 30), size[1])
    controls(canvas, rng, box, font, colors)
    return canvas.finish()


def table(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """A spreadsheet or a timetable."""
    canvas, colors, font = _screen(rng, size)
    left, top = between(rng, -30, 30), between(rng, -20, 30)
    grid(canvas, rng, (left, top, *size), font, colors)
    return canvas.finish()


def cards(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """A page full of cards."""
    canvas, colors, font = _screen(rng, size)
    box = (between(rng, -20, 12), between(rng, -40, 12), *size)
    tiles(canvas, rng, box, font, colors, photo)
    return canvas.finish()


def terminal(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """A dark window of typewriter text, some words in the eight colours of terminals."""
    paper = pick(rng, (BLACK, BLACK, (30, 30, 30), (48, 10, 36), (0, 0, 128), WHITE))
    bright = tuple((r, g, b) for r in (0, 205) for g in (0, 205) for b in (0, 205))
    inks = tuple(color for color in bright if abs(luma(color) - luma(paper)) > 35)
    canvas = Canvas(rng, size, paper)
    font = fonts.choose(rng, pick(rng, (9, 11, 12, 13, 14, 14, 16, 18)), monospaced=True)
    pitch, columns = font.size * rng.uniform(1, 1.3), chance(rng, 0.4)
    letters = font.letters(size[0])
    plain = mix(paper, against(paper), 0.8)
    for row in range(int(size[1] / pitch) + 1):
        prompt = f"{words(rng, 1)[0]}@host:~$ " if chance(rng, 0.2) else ""
        canvas.text((3, row * pitch), prompt, font, pick(rng, inks))
        x = 3 + font.width(prompt)
        if columns and not prompt:
            text = "".join(f"{cell:<12}" for cell in figures(rng, 1 + letters // 12))
        else:
            text = line(rng, int(letters * rng.random()))
        ink = pick(rng, inks) if chance(rng, 0.2) else plain
        canvas.text((x, row * pitch), text, font, ink)
    return canvas.finish()


def slide(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """A heading, points under it, perhaps a picture."""
    colors = scheme(rng)
    flat = chance(rng, 0.6)
    shade = mix(colors.paper, colors.any(rng), 0.4)
    paper = colors.paper if flat else gradient(rng, size, colors.paper, shade)
    canvas = Canvas(rng, size, paper, look="smooth")
    heading = fonts.choose(rng, pick(rng, (22, 26, 30, 36, 44)))
    font = fonts.choose(rng, round(heading.size * rng.uniform(0.5, 0.75)))
    left, bullet = between(rng, 4, 30), pick(rng, ("-", "*", "o", ">", "1.", ""))
    ink = colors.ink
    if chance(rng, 0.4):
        band = colors.any(rng)
        canvas.rectangle((0, 0, size[0], heading.size * 2), band)
        ink = against(band)
    canvas.text((left, heading.size), title(rng, 5), heading, ink, "lm")
    y, right = heading.size * 2.4, size[0]
    if chance(rng, 0.3):
        right = size[0] * 0.6
        canvas.paste(photo, (right, y, size[0] - 10, y + size[0] * 0.35))
    while y < size[1]:
        indent = left + font.size * pick(rng, (0, 0, 2))
        canvas.text((indent, y), bullet, font, colors.any(rng))
        letters = font.letters(right - indent - font.size)
        text = line(rng, max(2, int(letters * rng.uniform(0.4, 0.9))))
        canvas.text((indent + font.size, y), text, font, colors.ink)
        y += font.size * rng.uniform(1.3, 2)
    return canvas.finish()
