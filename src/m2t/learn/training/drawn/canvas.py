"""What the painters draw on."""

from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw

from .choices import Rng, pick
from .colors import Color, Size
from .fonts import Font

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""
LOOKS = ("smooth", "smooth", "smooth", "fringed", "aliased")


class Canvas:
    """A picture under way; places and sizes count pixels of the finished one.

    With `scale` 2 it is drawn twice as large and scaled down at the end: soft edges for shapes.
    """

    def __init__(
        self, rng: Rng, size: Size, paper: Color | Image.Image, scale: int = 1, look: str = ""
    ) -> None:
        self.width, self.height = size
        self.scale = scale
        self.look = look or pick(rng, LOOKS)
        whole = (size[0] * scale, size[1] * scale)
        if isinstance(paper, Image.Image):
            self.image = paper.resize(whole) if paper.size != whole else paper.copy()
        else:
            self.image = Image.new("RGB", whole, paper)
        self._pen = ImageDraw.Draw(self.image)
        self._pen.fontmode = "1" if self.look == "aliased" and scale == 1 else "L"

    def finish(self) -> Image.Image:
        """The picture in its own size."""
        return self.image.reduce(self.scale) if self.scale > 1 else self.image

    def text(
        self,
        place: tuple[float, float],
        text: str,
        font: Font,
        color: Color,
        anchor: str = "la",
        outline: tuple[int, Color] | None = None,
    ) -> None:
        """A line of text; `outline` is the width and colour of a rim round the letters."""
        x, y = (round(v * self.scale) for v in place)
        if outline is not None:
            rim, rim_color = outline[0] * self.scale, outline[1]
            style = {"stroke_width": rim, "stroke_fill": rim_color}
            self._pen.text((x, y), text, color, font.load(self.scale), anchor, **style)
        elif self.look == "fringed" and self.scale == 1:
            self._fringed((x, y), text, font, color, anchor)
        else:
            self._pen.text((x, y), text, color, font.load(self.scale), anchor)

    def _fringed(
        self, place: tuple[int, int], text: str, font: Font, color: Color, anchor: str
    ) -> None:
        """Text as LCD screens show it: red, green and blue a third of a pixel apart."""
        large = font.load(3)
        left, top, right, bottom = (round(v) // 3 for v in large.getbbox(text, anchor=anchor))
        size = (min(right - left + 4, self.width + 4), bottom - top + 3)
        mask = Image.new("L", (size[0] * 3 + 2, size[1] * 3))
        pen = ImageDraw.Draw(mask)
        pen.text((3 * (1 - left) + 1, 3 * (1 - top)), text, 255, large, anchor)
        corner = (place[0] + left - 1, place[1] + top - 1)
        below = self.image.crop((*corner, corner[0] + size[0], corner[1] + size[1]))
        bands = []
        for shift, level, band in zip(range(3), color, below.split(), strict=True):
            share = mask.crop((shift, 0, shift + 3 * size[0], 3 * size[1])).reduce(3)
            bands.append(Image.composite(Image.new("L", size, level), band, share))
        self.image.paste(Image.merge("RGB", bands), corner)

    def rectangle(
        self,
        box: Box,
        fill: Color | None = None,
        outline: Color | None = None,
        width: int = 1,
        radius: float = 0,
    ) -> None:
        """A rectangle without its right and bottom edge; nothing where it would be empty."""
        left, top, right, bottom = (round(v * self.scale) for v in box)
        if right <= left or bottom <= top:
            return
        corners = (left, top, right - 1, bottom - 1)
        width *= self.scale
        if radius:
            round_by = min(radius * self.scale, (right - left) / 2, (bottom - top) / 2)
            self._pen.rounded_rectangle(corners, round_by, fill, outline, width)
        else:
            self._pen.rectangle(corners, fill, outline, width)

    def ellipse(
        self, box: Box, fill: Color | None = None, outline: Color | None = None, width: int = 1
    ) -> None:
        """An ellipse that fills a box."""
        left, top, right, bottom = (v * self.scale for v in box)
        if right > left and bottom > top:
            self._pen.ellipse((left, top, right, bottom), fill, outline, width * self.scale)

    def pie(self, box: Box, start: float, end: float, fill: Color, outline: Color) -> None:
        """A slice of an ellipse, angles in degrees."""
        left, top, right, bottom = (v * self.scale for v in box)
        if right > left and bottom > top:
            self._pen.pieslice((left, top, right, bottom), start, end, fill, outline, self.scale)

    def line(self, points: Sequence[tuple[float, float]], color: Color, width: float = 1) -> None:
        """A broken line through points."""
        places = [(x * self.scale, y * self.scale) for x, y in points]
        self._pen.line(places, color, max(1, round(width * self.scale)), "curve")

    def polygon(
        self,
        points: Sequence[tuple[float, float]],
        fill: Color | None = None,
        outline: Color | None = None,
        width: int = 1,
    ) -> None:
        """A polygon through points."""
        places = [(x * self.scale, y * self.scale) for x, y in points]
        if fill is not None:
            self._pen.polygon(places, fill)
        if outline is not None:
            self._pen.line([*places, places[0]], outline, width * self.scale, "curve")

    def paste(self, image: Image.Image, box: Box) -> None:
        """Another picture, scaled into a box."""
        left, top, right, bottom = (round(v * self.scale) for v in box)
        if right > left and bottom > top:
            self.image.paste(image.resize((right - left, bottom - top)), (left, top))

    def shade(self, box: Box, color: Color, share: float) -> None:
        """A box through which the picture shows."""
        left, top, right, bottom = (round(v * self.scale) for v in box)
        if right > left and bottom > top:
            below = self.image.crop((left, top, right, bottom))
            veil = Image.new("RGB", below.size, color)
            self.image.paste(ImageChops.blend(below, veil, share), (left, top))
