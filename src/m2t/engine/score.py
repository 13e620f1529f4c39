"""PSNR and SSIMULACRA2 of two pictures, in NumPy. Of the latter 100 is no difference, 30 is low.

That goes by the maps of eye.py, over whole pictures; so what they leave out is left out here too,
weights that hardly count. It takes bands of a picture one by one, for their planes are many times
its size.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .eye import colours, compare, pool, powers, to_planes
from .eye_tables import POLYNOMIAL, SMALLEST, TOTAL, UNITS, WEIGHTS, Floats, light_tables

POWER = 0.6276336467831387
ROWS = 512
"""Of pixels in a band: a multiple of 16, the side that one place of the coarsest scale covers."""
AROUND = 96
"""Rows beyond a band that its places see, at least: five of the coarsest scale; such a multiple."""


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
    sums = [[0.0] * len(weights) for weights in WEIGHTS]
    for start in range(0, height, ROWS):
        stop = min(start + ROWS, height)
        first = max(start - AROUND, 0)
        seen = slice(first, min(stop + AROUND, height))
        for scale, found in enumerate(
            _band_sums(x[seen], x_hat[seen], start - first, stop - first)
        ):
            sums[scale] = [a + b for a, b in zip(sums[scale], found, strict=True)]
    means = []
    rows, columns = height, width
    for scale, found in enumerate(sums):
        if min(rows, columns) < SMALLEST:  # of the scale before
            break
        rows, columns = (-(-side // 2**scale) for side in (height, width))
        means.append([value / (rows * columns) for value in found])
    return means


def _band_sums(
    x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.uint8], start: int, stop: int
) -> Iterator[list[float]]:
    """The same sums, over the lines from `start` to `stop`."""
    light, _ = light_tables()
    pair: list[Floats] = [to_planes(light[UNITS * some.astype(np.int32)]) for some in (x, x_hat)]
    for scale, weights in enumerate(WEIGHTS):
        if pair[0].shape[2] < SMALLEST:
            return
        if scale > 0:
            pair = [pool(planes) for planes in pair]
        lines = slice(start >> scale, -(-stop // 2**scale))
        wanted = sorted({colour for colour, _, _, _ in weights})
        (xyb, _), (xyb_hat, _) = (colours(planes, wanted) for planes in pair)
        compared = {colour: compare(xyb[colour], xyb_hat[colour]) for colour in wanted}
        yield [
            float(powers(compared[colour], norm, kind)[lines].sum(dtype=np.float64))
            for colour, norm, kind, _ in weights
        ]


def psnr(x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.uint8]) -> float:
    """PSNR in dB of pictures of one shape, over all pixels and channels; infinite if equal."""
    error = int(np.square(x.astype(np.int32) - x_hat).sum(dtype=np.int64))
    return 10 * math.log10(255**2 * x.size / error) if error else math.inf
