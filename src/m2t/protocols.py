"""What the codec runs on: here said, filled in by integers (lapped/) or floats (learn/floats/)."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .config import Aim, ModelConfig
from .geometry.windows import Latents

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB."""
Slopes = NDArray[np.float32]
"""(h, w, C): what a step of each symbol changes the distortion by, to first order."""
Done = Callable[[int], None]
"""Told how many tokens have been dealt with since the last call."""


class Transforms(Protocol):
    """Pictures to tokens, and tokens to pictures, for every aim of a model. Safe to share."""

    config: ModelConfig
    name: str
    """What computes them here."""
    exact: bool
    """They give the same integers everywhere."""

    def at(self, aim: Aim) -> "Transforms":
        """Those that an aim takes: see Narrowing (weights/narrow.py)."""
        ...

    def analyse(self, rgb: Pixels, aim: Aim, num_threads: int, done: Done) -> Latents:
        """The nearest tokens (h, w, C) to the latents of pixels (H, W, 3)."""
        ...

    def unrounded(self, rgb: Pixels, num_threads: int, done: Done) -> NDArray[np.float32]:
        """(h, w, C): analysed, for `rounded` to make tokens of for as many aims as wanted.

        Raises ConfigError where transforms are not exact.
        """
        ...

    def rounded(self, sums: NDArray[np.float32], aim: Aim, dead_zone: float = 0.0) -> Latents:
        """Tokens (..., C) of some of what `unrounded` returned: those of `analyse`.

        With a dead zone, of 0 to 1/2 steps, latents move by so much towards zero before they are
        rounded: tokens that take fewer bits.
        """
        ...

    def synthesise(
        self, y_hat: Latents, height: int, width: int, aim: Aim, num_threads: int, done: Done
    ) -> Pixels:
        """Pixels (height, width, 3) of tokens (h, w, C)."""
        ...

    def halo(self, scale: int) -> int:
        """How many tokens around its own place a pixel at 1/scale depends on."""
        ...

    def preview(
        self,
        y_hat: Latents,
        height: int,
        width: int,
        scale: int,
        aim: Aim,
        num_threads: int,
        done: Done,
    ) -> Pixels:
        """About what synthesise() paints at 1/scale, 2, 4 or 8: (height, width, 3) over scale."""
        ...

    def slopes(
        self, rgb: Pixels, y_hat: Latents, aim: Aim, linear: bool, num_threads: int, done: Done
    ) -> tuple[Slopes, NDArray[np.float32]]:
        """Gradient of the distortion of what the tokens paint, summed over pixels; and (h, w), by
        how much more than to squared error each token matters to it.

        With `linear` it goes by the linear part of the synthesis alone, if there is one.
        """
        ...

    def step_errors(self, aim: Aim) -> NDArray[np.float32]:
        """(C,): about the squared error (0..255, summed) of a step of one in each channel."""
        ...
