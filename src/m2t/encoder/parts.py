"""Large pictures in parts: what the encoder holds at a time does not grow with them.

A part is some whole rows of windows, or in wide pictures a run of windows of one row. Its tokens
are chosen with as many around them as they depend on; what several passes move among those
meanwhile it does not see, and what is judged as a whole is judged part by part. Pictures of a
single part do not notice.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from ..config import STRIDE, ModelConfig
from ..geometry.windows import Latents, Window, cut

LARGEST_WHOLE = 65536
"""Area (17 megapixels) up to which a picture is a single part."""
TOKENS_PER_PART = 24576
"""Area (6 megapixels) beyond which a part gets no further row of windows. Rows of a larger area are
cut."""


class Part(NamedTuple):
    """Consecutive windows of a picture, which together are a block."""

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
    def inner(self) -> tuple[slice, slice]:
        """The block's rows and columns, counted from the start of the context."""
        inner = self.block.seen_from(self.context)
        return inner.rows, inner.columns

    @property
    def pixels(self) -> tuple[slice, slice]:
        """The context's lines and columns of pixels."""
        context = self.context
        return (
            slice(STRIDE * context.rows.start, STRIDE * context.rows.stop),
            slice(STRIDE * context.columns.start, STRIDE * context.columns.stop),
        )


def parts_of(config: ModelConfig, rows: int, columns: int) -> list[Part]:
    """The parts of (h, w) tokens, whose windows one after the other are those of the picture."""
    transform = config.transform
    # Moves go by the gradient of what is painted.
    halo = transform.analysis_halo + transform.synthesis_halo + transform.gradient_halo
    windows = cut(rows, columns, config.entropy.window)
    by_row = [list(row) for _, row in groupby(windows, lambda window: window.top)]
    area = TOKENS_PER_PART if rows * columns > LARGEST_WHOLE else LARGEST_WHOLE
    num_runs = min(-(-_area(by_row[0]) // area), len(by_row[0]))
    if num_runs > 1:
        groups = [run for row in by_row for run in _runs(row, num_runs)]
    else:
        groups = _joined(by_row, area)
    return [_part(group, rows, columns, halo) for group in groups]


def assembled(parts: Sequence[Part], blocks: Sequence[Latents]) -> Latents:
    """Tokens (h, w, C) of a picture, from those of the block of each of its parts."""
    last = parts[-1].block
    shape = last.rows.stop, last.columns.stop, blocks[-1].shape[2]
    whole = np.empty(shape, np.int32)
    for part, tokens in zip(parts, blocks, strict=True):
        whole[part.block.rows, part.block.columns] = tokens
    return whole


def _area(windows: list[Window]) -> int:
    return sum(window.area for window in windows)


def _runs(row: list[Window], count: int) -> list[list[Window]]:
    """So many balanced pieces of a row, from left to right."""
    return [row[len(row) * i // count : len(row) * (i + 1) // count] for i in range(count)]


def _joined(by_row: list[list[Window]], area: int) -> list[list[Window]]:
    """Rows put together until they have that area."""
    groups: list[list[Window]] = [[]]
    for row in by_row:
        if _area(groups[-1]) >= area:
            groups.append([])
        groups[-1] += row
    return groups


def _part(windows: list[Window], rows: int, columns: int, halo: int) -> Part:
    first, last = windows[0], windows[-1]
    top, bottom = first.rows.start, last.rows.stop
    left, right = first.columns.start, last.columns.stop
    block = Window(top, left, bottom - top, right - left)
    top, bottom = max(0, top - halo), min(rows, bottom + halo)
    left, right = max(0, left - halo), min(columns, right + halo)
    return Part(windows, block, Window(top, left, bottom - top, right - left))
