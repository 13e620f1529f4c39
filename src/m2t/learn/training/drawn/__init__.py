"""Pictures that photographs lack: text, drawings, charts, user interfaces, signs, captions."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import camera, charts, drawings, interfaces, pages, signs
from .choices import Rng, chance
from .colors import Size

Painter = Callable[[Rng, Size, Image.Image], Image.Image]

_PAINTERS: dict[Painter, float] = {
    pages.prose: 18,
    pages.four_colors: 12,
    pages.code: 6,
    pages.receipt: 5,
    pages.poster: 5,
    interfaces.window: 8,
    interfaces.form: 3,
    interfaces.table: 4,
    interfaces.cards: 3,
    interfaces.terminal: 4,
    interfaces.slide: 3,
    charts.lines: 3,
    charts.bars: 2,
    charts.pie: 1.5,
    charts.flow: 2,
    charts.street_map: 2,
    drawings.cartoon: 4,
    drawings.line_art: 3,
    drawings.blocks: 2.5,
    drawings.shapes: 2.5,
    drawings.plain: 8,
    signs.caption: 4,
    signs.subtitle: 2,
    signs.sign: 3,
    signs.mark: 1,
}
"""What is drawn and how often."""
_UP_TO = np.cumsum(list(_PAINTERS.values()))


def draw(
    rng: np.random.Generator, height: int, width: int, ground: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """(height, width, 3) uint8: a page, a screen, a drawing, or text on a photograph.

    `ground` is a photograph of the same shape, which is not changed. A third of the pictures look
    as if photographed or scaled. The same state of `rng` gives the same picture with the same
    fonts.
    """
    number = int(np.searchsorted(_UP_TO, rng.random() * _UP_TO[-1], "right"))
    painter, photo = list(_PAINTERS)[number], Image.fromarray(ground)

    def paint(size: Size) -> Image.Image:
        return painter(rng, size, photo if photo.size == size else photo.resize(size))

    size = (width, height)
    image = camera.shoot(rng, paint, size) if chance(rng, 1 / 3) else paint(size)
    return np.array(image)
