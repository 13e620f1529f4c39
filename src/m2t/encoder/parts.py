"""Large pictures in parts: what the encoder holds at a time does not grow with their height.

A part is some whole rows of windows. Its tokens are chosen with as many rows around them as they
depend on; what several passes move in those rows meanwhile it does not see, and what is judged as a
whole is judged part by part. Pictures of a single part do not notice.
"""

from itertools import groupby
from typing import NamedTuple

from ..config import STRIDE, ModelConfig
from ..geometry.windows import Window, cut

LARGEST_WHOLE = 65536
"""Area (17 megapixels) up to which a picture is a single part."""
TOKENS_PER_PART = 24576
"""Area (6 megapixels) beyond which a part gets no further row of windows."""


class Part(NamedTuple):
    """Rows of a picture's windows."""

    windows: list[Window]
    block: Window
    """Their tokens."""
    context: Window
    """The tokens that these depend on, and they themselves."""

    @property
    def windows_in_block(self) -> list[Window]:
        """As they lie in the block."""
        return [window.seen_from(self.block) for window in self.windows]

    @property
    def windows_in_context(self) -> list[Window]:
        """As they lie in the context."""
        return [window.seen_from(self.context) for window in self.windows]

    @property
    def inner(self) -> slice:
        """The block's rows, counted from the start of the context."""
        return self.block.seen_from(self.context).rows

    @property
    def lines(self) -> slice:
        """The context's lines of pixels."""
        return slice(STRIDE * self.context.rows.start, STRIDE * self.context.rows.stop)


def parts_of(config: ModelConfig, rows: int, columns: int) -> list[Part]:
    """The parts of (h, w) tokens, from top to bottom."""
    transform = config.transform
    # Moves go by the gradient of what is painted, through a transform as wide as the analysis.
    halo = transform.synthesis_halo + 2 * transform.analysis_halo
    groups: list[list[Window]] = [[]]
    area = TOKENS_PER_PART if rows * columns > LARGEST_WHOLE else LARGEST_WHOLE
    windows = cut(rows, columns, config.entropy.window)
    for _, row in groupby(windows, lambda window: window.top):
        if sum(window.area for window in groups[-1]) >= area:
            groups.append([])
        groups[-1] += row
    return [_part(group, rows, columns, halo) for group in groups]


def _part(windows: list[Window], rows: int, columns: int, halo: int) -> Part:
    top, bottom = windows[0].rows.start, windows[-1].rows.stop
    first, last = max(0, top - halo), min(rows, bottom + halo)
    block, context = (
        Window(start, 0, stop - start, columns) for start, stop in ((top, bottom), (first, last))
    )
    return Part(windows, block, context)
