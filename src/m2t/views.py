"""What of a picture is asked for: which part, how small; and what to decode for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import STRIDE
from .container import Header
from .container.header import MAX_PIXELS, check_pixels
from .geometry.regions import Region
from .geometry.windows import Window
from .image import reduced
from .options import check, whole

SCALES = (1, 2, 4, 8)
"""Pixels of the picture along the side of one that is shown."""


@dataclass(frozen=True)
class View:
    """A part of a picture, at a scale: what the same part of the whole would be."""

    region: Region
    """What is shown: whole squares of the scale, as far as the picture goes."""
    scale: int
    tokens: Window
    """What it is painted from."""
    height: int
    """Of what these tokens paint, in pixels of the picture."""
    width: int

    @classmethod
    def of(
        cls,
        header: Header,
        halo: Callable[[int], int],
        region: Sequence[int] | None = None,
        scale: int = 1,
        max_pixels: int = MAX_PIXELS,
    ) -> "View":
        """A view of a file's picture.

        Args:
            halo: scale -> how many tokens around its own place a pixel depends on.
            region: x, y, width, height in pixels of the picture; None: all of it.
            scale: one of SCALES.
            max_pixels: that the region may have.

        Raises ConfigError where there is no such view, LimitExceeded where it is too large.
        """
        width, height = header.width, header.height
        check(whole("scale", scale) in SCALES, f"scale must be 1, 2, 4 or 8, not {scale}")
        if region is None:
            region = (0, 0, width, height)
        check(len(region) == 4, "a region is x, y, width, height")
        wanted = Region(*(whole("region", number) for number in region))
        wanted.check(width, height)
        check_pixels(wanted.width, wanted.height, max_pixels)
        wanted = wanted.aligned(scale, width, height)
        tokens = wanted.tokens(halo(scale), width, height)
        bottom = min(height, STRIDE * (tokens.top + tokens.height))
        right = min(width, STRIDE * (tokens.left + tokens.width))
        painted = bottom - STRIDE * tokens.top, right - STRIDE * tokens.left
        return cls(wanted, scale, tokens, *painted)

    def shown(self, painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The view, of what its tokens paint: (height, width, 3), each divided by the scale."""
        tokens, region = self.tokens, self.region
        top, left = region.y - STRIDE * tokens.top, region.x - STRIDE * tokens.left
        return painted[self._lines(top, region.height), self._lines(left, region.width)]

    def plane(self, alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The view of a plane (H, W) of the whole picture."""
        return self.small(alpha[self.region.pixels])

    def small(self, part: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The view, of the pixels (h, w) or (h, w, 3) of its region."""
        return part if self.scale == 1 else reduced(part, self.scale)

    def _lines(self, start: int, count: int) -> slice:
        return slice(start // self.scale, -(-(start + count) // self.scale))
