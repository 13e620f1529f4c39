"""Pages of text: prose, code, lists, receipts, posters."""

from dataclasses import dataclass

from PIL import Image

from . import fonts
from .canvas import Box, Canvas
from .choices import Rng, between, chance, figures, line, pick, title, words
from .colors import PURE, WHITE, Color, Scheme, Size, ground_for, scheme
from .fonts import Font

_KEYWORDS = ("def", "return", "if", "for", "while", "int", "const", "import", "class", "else:")
_MARKS = ("(", ")", " = ", "[i]", " + ", "{", "}", ";", ", ", "->", "()", " == ", "::", ".", "# ")


@dataclass(frozen=True)
class Style:
    """How a block of text is set."""

    font: Font
    spacing: float
    """From line to line, in font sizes."""
    inks: tuple[Color, ...]
    per: str = "block"
    """What gets an ink of its own: a block, a line or a word."""
    align: str = "left"


def style(rng: Rng, colors: Scheme) -> Style:
    """A style in the colours of the page."""
    per = pick(rng, ("block", "block", "block", "line", "word"))
    inks = (colors.ink,) if per == "block" else colors.accents
    align = pick(rng, ("left", "left", "left", "left", "middle", "right"))
    return Style(fonts.choose(rng), rng.uniform(1, 1.8), inks, per, align)


def set_block(canvas: Canvas, rng: Rng, box: Box, look: Style) -> float:
    """Fill a box with lines in paragraphs; returns where the next line would be."""
    left, top, right, bottom = box
    font, pitch = look.font, look.font.size * look.spacing
    letters = max(2, int(font.letters(right - left) * 0.95))
    anchor, x = {
        "left": ("la", left), "right": ("ra", right), "middle": ("ma", (left + right) / 2)
    }[look.align]  # fmt: skip
    y, number, fill = top, int(rng.integers(4)), pick(rng, (0.97, 0.9, 0.9, 0.75))
    while y < bottom:
        last = chance(rng, 0.15)
        length = letters * (rng.uniform(0.1, 0.9) if last else rng.uniform(fill - 0.1, fill))
        text = line(rng, int(length))
        if look.per == "word" and look.align == "left":
            _in_words(canvas, rng, (x, y), text, look)
        else:
            canvas.text((x, y), text, font, look.inks[number % len(look.inks)], anchor)
        number += look.per == "line"
        y += pitch * (1.6 if last else 1)
    return y


def _in_words(canvas: Canvas, rng: Rng, place: tuple[float, float], text: str, look: Style) -> None:
    """One line, its words in colours of their own."""
    x, y = place
    for word in text.split():
        canvas.text((x, y), word, look.font, pick(rng, look.inks))
        x += look.font.width(word + " ")


def prose(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """One to three columns of text, seldom with a heading or a photograph."""
    colors = scheme(rng)
    canvas = Canvas(rng, size, ground_for(rng, size, colors.paper, photo))
    look = style(rng, colors)
    columns = between(rng, 1, min(3, size[0] / (look.font.size * 9)))
    gutter = look.font.size * rng.uniform(0.8, 2)
    left, right = between(rng, -20, size[0] / 8), size[0] + between(rng, -size[0] / 8, 60)
    step = (right - left) / columns
    for column in range(columns):
        x, y = left + column * step, between(rng, -look.font.size, size[1] / 12)
        box = (x, y, x + step - gutter, size[1] - between(rng, -20, size[1] / 10))
        _column(canvas, rng, box, look, colors, photo)
    return canvas.finish()


def _column(
    canvas: Canvas, rng: Rng, box: Box, look: Style, colors: Scheme, photo: Image.Image
) -> None:
    left, y, right, bottom = box
    if chance(rng, 0.3):
        heading = fonts.choose(rng, round(look.font.size * rng.uniform(1.3, 2.5)))
        canvas.text((left, y), title(rng, 6), heading, pick(rng, (colors.ink, colors.any(rng))))
        y += heading.size * 1.5
    if chance(rng, 0.15):
        y = set_block(canvas, rng, (left, y, right, y + (bottom - y) * rng.random()), look)
        below = y + (right - left) * rng.uniform(0.4, 0.8)
        canvas.paste(photo, (left, y, right, below))
        y = below + look.font.size / 2
    set_block(canvas, rng, (left, y, right, bottom), look)


def four_colors(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """Lines in pure red, green, blue and black on white, or in other strong colours."""
    colors = scheme(rng)
    plain = chance(rng, 0.6)
    canvas = Canvas(rng, size, WHITE if plain else colors.paper)
    inks = PURE if plain else colors.accents
    per = pick(rng, ("line", "line", "word"))
    look = Style(fonts.choose(rng), rng.uniform(1, 1.7), inks, per)
    set_block(canvas, rng, (between(rng, -10, 30), between(rng, -8, 20), *size), look)
    return canvas.finish()


def code(rng: Rng, size: Size, _photo: Image.Image) -> Image.Image:
    """A program in an editor: indented lines, words in colours, perhaps line numbers."""
    colors = scheme(rng)
    canvas = Canvas(rng, size, colors.paper)
    font = fonts.choose(rng, pick(rng, (10, 11, 12, 13, 14, 14, 15, 16, 18, 22)), monospaced=True)
    letter, pitch = font.load().getlength("m"), font.size * rng.uniform(1.1, 1.6)
    numbered, first = chance(rng, 0.5), between(rng, 1, 900)
    margin = letter * 5 if numbered else between(rng, -4, 20)
    if numbered:
        canvas.rectangle((0, 0, margin - letter / 2, size[1]), colors.mixed(0.06))
    indent = 0
    for row in range(int(size[1] / pitch) + 1):
        y = row * pitch
        if numbered:
            number = (margin - letter, y)
            canvas.text(number, str(first + row), font, colors.mixed(0.5), "ra")
        indent = max(0, min(6, indent + pick(rng, (-1, -1, 0, 0, 0, 1, 1))))
        if chance(rng, 0.88):
            _code_line(canvas, rng, (margin + indent * 4 * letter, y), font, colors)
    return canvas.finish()


def _code_line(
    canvas: Canvas, rng: Rng, place: tuple[float, float], font: Font, colors: Scheme
) -> None:
    x, y = place
    if chance(rng, 0.12):
        comment = "// " + " ".join(words(rng, between(rng, 2, 8)))
        canvas.text((x, y), comment, font, colors.mixed(0.55))
        return
    parts = [pick(rng, _KEYWORDS) + " "] if chance(rng, 0.5) else []
    for word in words(rng, between(rng, 1, 6)):
        parts += [word, pick(rng, _MARKS)]
    for number, part in enumerate(parts):
        plain = number % 2 == 1 or chance(rng, 0.5)
        canvas.text((x, y), part, font, colors.ink if plain else colors.any(rng))
        x += font.width(part)
        if x > canvas.width:
            break


def receipt(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """A list with figures on the right, as on bills and in indexes."""
    colors = scheme(rng)
    canvas = Canvas(rng, size, ground_for(rng, size, colors.paper, photo))
    font = fonts.choose(rng, monospaced=chance(rng, 0.6))
    pitch, left = font.size * rng.uniform(1.1, 1.8), between(rng, -6, size[0] / 6)
    right, dotted = size[0] - between(rng, -6, size[0] / 6), chance(rng, 0.3)
    amounts = figures(rng, int(size[1] / pitch) + 1)
    for row, amount in enumerate(amounts):
        y = row * pitch + 3
        if chance(rng, 0.08):
            canvas.line([(left, y + pitch / 2), (right, y + pitch / 2)], colors.ink)
            continue
        item = line(rng, int(font.letters(right - left) * rng.uniform(0.2, 0.6)))
        canvas.text((left, y), item, font, colors.ink)
        canvas.text((right, y), amount, font, colors.ink, "ra")
        start, end = left + font.width(item + " "), right - font.width(" " + amount)
        if dotted and end > start:
            dots = "." * int((end - start) / max(1, font.width(".")))
            canvas.text((start, y), dots, font, colors.ink)
    return canvas.finish()


def poster(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """A few lines in very different sizes and faces, centred."""
    colors = scheme(rng)
    canvas = Canvas(rng, size, ground_for(rng, size, colors.paper, photo), 1 + chance(rng, 0.3))
    y, middle = between(rng, -10, size[1] / 10), size[0] / 2
    while y < size[1]:
        font = fonts.choose(rng, pick(rng, (9, 12, 14, 18, 24, 32, 48, 64, 90)))
        text = title(rng, max(1, min(6, font.letters(size[0]) // 6)))
        ink = colors.ink if chance(rng, 0.6) else colors.any(rng)
        canvas.text((middle, y), text, font, ink, "ma")
        y += round(font.size * rng.uniform(1.1, 1.6))
        if chance(rng, 0.2):
            half = size[0] * rng.uniform(0.1, 0.45)
            canvas.line([(middle - half, y), (middle + half, y)], ink, between(rng, 1, 3))
            y += 6
    return canvas.finish()
