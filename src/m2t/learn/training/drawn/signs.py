"""Text in photographs: captions, subtitles, signs, marks."""

from PIL import Image

from . import fonts
from .canvas import Canvas
from .choices import Rng, between, chance, line, pick, title
from .colors import BLACK, WHITE, Color, Size, against, away_from, saturated
from .fonts import Font


def _ink(rng: Rng) -> Color:
    """White, black or strong, as captions are."""
    return pick(rng, (WHITE, WHITE, BLACK, (255, 255, 0), saturated(rng)))


def caption(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """One to four lines anywhere: plain, in a box, with a rim or a shadow."""
    canvas = Canvas(rng, size, photo, 1 + chance(rng, 0.2), "smooth")
    for _ in range(between(rng, 1, 3)):
        font = fonts.choose(rng, pick(rng, (10, 12, 14, 16, 18, 22, 26, 32, 40, 56, 72)))
        x, y = size[0] * rng.uniform(-0.05, 0.5), size[1] * rng.uniform(-0.02, 0.9)
        letters = max(3, font.letters(size[0] - x))
        lines = [line(rng, letters) for _ in range(between(rng, 1, 4))]
        _write(canvas, rng, (x, y), lines, font)
    return canvas.finish()


def _write(
    canvas: Canvas, rng: Rng, place: tuple[float, float], lines: list[str], font: Font
) -> None:
    (x, y), ink, kind = place, _ink(rng), rng.random()
    counter = against(ink)
    pitch, shadow = font.size * 1.25, max(1, font.size // 12)
    if kind < 0.3:
        wide = max(font.width(text) for text in lines)
        pad = font.size * rng.uniform(0.2, 0.6)
        box = (x - pad, y - pad, x + wide + pad, y + pitch * len(lines) + pad)
        if chance(rng, 0.5):
            canvas.rectangle(box, away_from(rng, ink), None, 1, pick(rng, (0, 4, 10)))
        else:
            canvas.shade(box, counter, rng.uniform(0.4, 0.8))
    rim = (max(1, font.size // 14), counter) if 0.3 < kind < 0.55 else None
    for number, text in enumerate(lines):
        row = y + number * pitch
        if 0.55 < kind < 0.75:
            canvas.text((x + shadow, row + shadow), text, font, counter)
        canvas.text((x, row), text, font, ink, outline=rim)


def subtitle(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """Centred lines near the lower or upper edge, or both."""
    canvas = Canvas(rng, size, photo, look="smooth")
    font = fonts.choose(rng, pick(rng, (14, 16, 18, 20, 24, 30, 44)))
    ink, rows = _ink(rng), between(rng, 1, 3)
    counter = against(ink)
    rim = (max(1, font.size // 12), counter) if chance(rng, 0.7) else None
    upper = chance(rng, 0.5)
    low = size[1] - (rows + 0.5) * font.size * 1.2
    for start in (4, low) if upper else (low,):
        for row in range(rows):
            text = line(rng, max(2, font.letters(size[0] * rng.uniform(0.5, 0.9))))
            if upper:
                text = text.upper()
            canvas.text((size[0] / 2, start + row * font.size * 1.2), text, font, ink, "ma", rim)
    return canvas.finish()


def sign(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """Boards with a border and large letters: traffic, shops, plates, labels."""
    canvas = Canvas(rng, size, photo, 1 + chance(rng, 0.6), "smooth")
    for _ in range(between(rng, 1, 3)):
        board = saturated(rng) if chance(rng, 0.6) else pick(rng, (WHITE, BLACK, (240, 230, 200)))
        ink = away_from(rng, board) if chance(rng, 0.4) else against(board)
        font = fonts.choose(rng, pick(rng, (14, 18, 24, 30, 40, 52, 70)))
        lines = [title(rng, 2) for _ in range(between(rng, 1, 3))]
        wide = max(font.width(text) for text in lines) + font.size
        high = font.size * (1.25 * len(lines) + 0.8)
        x, y = between(rng, -10, size[0] - wide), between(rng, -10, size[1] - high)
        radius, border = pick(rng, (0, 6, 14)), between(rng, 0, 5)
        canvas.rectangle((x, y, x + wide, y + high), board, None, 1, radius)
        if border:
            inner = (x + border, y + border, x + wide - border, y + high - border)
            canvas.rectangle(inner, None, ink, border, radius)
        for number, text in enumerate(lines):
            row = y + font.size * (0.4 + 1.25 * (number + 0.5))
            canvas.text((x + wide / 2, row), text, font, ink, "mm")
    return canvas.finish()


def mark(rng: Rng, size: Size, photo: Image.Image) -> Image.Image:
    """A half-transparent mark all over, or the date in a corner."""
    canvas = Canvas(rng, size, photo, look="smooth")
    font = fonts.choose(rng, pick(rng, (12, 14, 18, 24, 36)))
    if chance(rng, 0.5):
        date = f"{between(rng, 1990, 2030)}/{between(rng, 1, 12):02}/{between(rng, 1, 28):02}"
        place = (size[0] - font.size, size[1] - font.size)
        canvas.text(place, date, font, pick(rng, ((255, 140, 0), WHITE)), "rb")
        return canvas.finish()
    text, step = title(rng, 3), font.size * rng.uniform(2, 5)
    wide = font.width(text) + step
    for row in range(int(size[1] / step) + 1):
        x = -wide / 2 * (row % 2)
        while x < size[0]:
            canvas.text((x, row * step), text, font, WHITE)
            x += wide
    return Image.blend(photo, canvas.finish(), rng.uniform(0.2, 0.6))
