"""Constants and tables of what the eye sees (eye.py), the same on every processor.

Painted pictures count in 1/64 of a level around the middle: a level of 0..255 is v / 64 + 127.5.
"""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
"""Of float32; numbers of Python's are rounded to it where they meet."""

SMALLEST = 8
"""Sides, in pixels, below which no scale is looked at."""
UNITS = 64
"""Of a painted picture in one level of 255."""
WHITE = 255 * UNITS // 2
"""A painted picture's white; black is less than zero by as much."""
EYE_SHARE = 0.8
"""Share of the distance in the distortion of the tune for the eye; the rest is squared error."""
EYE_RATE = 2.4
"""Squared error (0..255) that a distance of one stands for: along the curve of a model that was
trained for squared error, this much costs as many bits."""
X, Y, B = range(3)
STRUCTURE, ADDED, LOST = range(3)
WEIGHTS: tuple[tuple[tuple[int, int, int, float], ...], ...] = (
    ((Y, 4, STRUCTURE, 7.4668903), (Y, 4, LOST, 17.445834)),
    ((X, 4, STRUCTURE, 1.1041726), (Y, 4, STRUCTURE, 6.6836781), (Y, 4, LOST, 1.0278899)),
    (
        (X, 4, STRUCTURE, 1.8422456),
        (X, 4, ADDED, 11.441173),
        (Y, 1, STRUCTURE, 225.20515),
        (Y, 4, STRUCTURE, 19.213238),
    ),
    (
        (X, 4, STRUCTURE, 1.8787595),
        (X, 4, ADDED, 10.94907),
        (Y, 1, STRUCTURE, 176.39318),
        (Y, 4, STRUCTURE, 24.43301),
        (Y, 4, ADDED, 0.28520803),
        (B, 4, STRUCTURE, 8.8269828),
        (B, 4, ADDED, 23.192433),
    ),
    (
        (X, 1, ADDED, 0.96779371),
        (X, 4, ADDED, 0.9981767),
        (Y, 4, STRUCTURE, 34.779063),
        (Y, 4, ADDED, 44.835625),
        (B, 1, STRUCTURE, 95.10805),
        (B, 1, ADDED, 0.9863978),
        (B, 1, LOST, 0.98343828),
        (B, 4, ADDED, 171.26673),
        (B, 4, LOST, 0.98078589),
    ),
)
"""For each scale, from whole pictures to a sixteenth: colour, norm, map and weight.

The others of the 108 weights, none above 0.003, are left out, and with them the sixth scale.
"""
POLYNOMIAL = (2.326765642916932, -0.020884521182843837, 6.248496625763138e-05)
"""The distance of a total: its first to third powers, times these."""
TOTAL = 0.9562382616834844
OPSIN = ((0.30, 0.622, 0.078), (0.23, 0.692, 0.078))
OPSIN += ((0.24342268924547819, 0.20476744424496821, 0.55180986650955360),)
BIAS, BIAS_ROOT = 0.0037930732552754493, 0.15595420054924862
C2 = 0.0009
TAPS = (0.2660117248617943, 0.21300553771125366, 0.1093606895097)
TAPS += (0.03600077212843082, 0.007598758135239184, 0.001028380084479109)
"""exp(-(k / 1.5)^2 / 2) over their sum, for 0 to 5 pixels away: written out, as no two processors
need agree on exp. So is BIAS_ROOT, the cube root of BIAS."""
ROOT_START = 1419911936.0
"""Less a third of a number's bits: those of its inverse cube root, to 3.5 %. A float: an integer as
large as that would make float64 of float32 before NumPy 2."""


@functools.cache
def light_tables() -> tuple[Floats, Floats]:
    """Linear light of the levels 0, 1/64 .. 255 as sRGB, and what it grows by for pixels of 0 to 1.

    The power 2.4 is a square and a fifth root, which Newton's method finds in float64: only sums,
    products and quotients, which are the same on every processor.
    """
    x = np.arange(2 * WHITE + 1) / (2 * WHITE)
    base = (x + 0.055) / 1.055
    square = base * base
    root = np.ones_like(x)
    for _ in range(16):
        root = (4 * root + square / (root * root * root * root)) / 5
    dark = x <= 0.04045
    light = np.where(dark, x / 12.92, square * root)
    slopes = np.where(dark, 1 / 12.92, 2.4 / 1.055 * (base * root))
    return light.astype(np.float32), slopes.astype(np.float32)


def levels(x_hat: npt.NDArray[np.int16]) -> npt.NDArray[np.int32]:
    """Of a painted picture (H, W, 3): in 1/64 from black, clamped."""
    return np.clip(x_hat.astype(np.int32), -WHITE, WHITE) + WHITE


def errors(x: npt.NDArray[np.uint8], level: npt.NDArray[np.int32]) -> Floats:
    """Of such levels, against the picture x (H, W, 3): in 1/64."""
    return (level - UNITS * x.astype(np.int32)).astype(np.float32)
