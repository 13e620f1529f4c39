"""PSNR and SSIMULACRA2 of two pictures, in NumPy. Of the latter 100 is no difference, 30 is low.

That goes by the maps of eye.py, over whole pictures; so what they leave out is left out here too,
weights that hardly count. It takes pieces of a picture one by one, for their planes are many times
its size.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .eye import colours, compare, pool, powers, to_planes
from .eye_tables import POLYNOMIAL, SMALLEST, TOTAL, UNITS, WEIGHTS, Floats, light_tables

POWER = 0.6276336467831387
ROWS, COLUMNS = 512, 2048
"""Of pixels in a piece: multiples of 16, the side that one place of the coarsest scale covers."""
AROUND = 96
"""Pixels beyond a piece that its places see, at least: five of the coarsest scale; such a
multiple."""
LINES = 256
"""Of pictures whose errors are squared at a time."""


def ssimulacra2(x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.uint8]) -> float:
    """SSIMULACRA2 of pictures (H, W, 3) of one size; 100 where a side is below 8 pixels."""
    total = 0.0
    for weights, means in zip(WEIGHTS, _means(x, x_hat), strict=False):
        for (_, norm, _, weight), mean in zip(weights, means, strict=True):
            total += weight * (mean if norm == 1 else math.sqrt(math.sqrt(mean + 1e-20)) - 1e-5)
    total = max(TOTAL * total, 0)
    first, second, third = POLYNOMIAL
    distance = total * (first + total * (second + total * third))
    return 100 - 10 * max(distance, 0) ** POWER


def _means(x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.uint8]) -> list[list[float]]:
    """For each scale, that of each weighted map to the power of its norm."""
    height, width = x.shape[:2]
    short = min(height, width)
    finer = [-(-short // 2 ** max(scale - 1, 0)) for scale in range(len(WEIGHTS))]
    scales = sum(side >= SMALLEST for side in finer)
    sums = [[0.0] * len(weights) for weights in WEIGHTS[:scales]]
    for rows, lines in _pieces(height, ROWS):
        for columns, places in _pieces(width, COLUMNS):
            pair = x[rows, columns], x_hat[rows, columns]
            for scale, found in enumerate(_piece_sums(*pair, lines, places, scales)):
                sums[scale] = [a + b for a, b in zip(sums[scale], found, strict=True)]
    sizes = [-(-height // 2**scale) * -(-width // 2**scale) for scale in range(scales)]
    return [[value / size for value in found] for found, size in zip(sums, sizes, strict=True)]


def _pieces(length: int, size: int) -> Iterator[tuple[slice, slice]]:
    """A line in pieces with what is around them, and where in that each piece is."""
    for start in range(0, length, size):
        stop, first = min(start + size, length), max(start - AROUND, 0)
        yield slice(first, min(stop + AROUND, length)), slice(start - first, stop - first)


def _piece_sums(
    x: npt.NDArray[np.uint8],
    x_hat: npt.NDArray[np.uint8],
    lines: slice,
    places: slice,
    scales: int,
) -> Iterator[list[float]]:
    """The same sums of so many scales, over some lines and places in them."""
    light, _ = light_tables()
    pair: list[Floats] = [to_planes(light[UNITS * some.astype(np.int32)]) for some in (x, x_hat)]
    for scale, weights in enumerate(WEIGHTS[:scales]):
        if scale > 0:
            pair = [pool(planes) for planes in pair]
        inner = _coarser(lines, scale), _coarser(places, scale)
        wanted = sorted({colour for colour, _, _, _ in weights})
        (xyb, _), (xyb_hat, _) = (colours(planes, wanted) for planes in pair)
        compared = {colour: compare(xyb[colour], xyb_hat[colour]) for colour in wanted}
        yield [
            float(powers(compared[colour], norm, kind)[inner].sum(dtype=np.float64))
            for colour, norm, kind, _ in weights
        ]


def _coarser(pixels: slice, scale: int) -> slice:
    return slice(pixels.start >> scale, -(-pixels.stop // 2**scale))


def psnr(x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.uint8]) -> float:
    """PSNR in dB of pictures of one shape, over all pixels and channels; infinite if equal."""
    error = 0
    for top in range(0, len(x), LINES):
        some, some_hat = x[top : top + LINES], x_hat[top : top + LINES]
        error += int(np.square(some.astype(np.int32) - some_hat).sum(dtype=np.int64))
    return 10 * math.log10(255**2 * x.size / error) if error else math.inf
