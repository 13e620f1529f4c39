"""What a change of each pixel costs the eye, in a block of a picture.

This defines what core/ops/eye_*.h compute, to the last bit: every operation is one of IEEE's, on
float32 where nothing else is said, rounded once and in this order. The distance is that of
ssimulacra2.py; only maps that have weights are looked at.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .eye_tables import (
    ADDED,
    BIAS,
    BIAS_ROOT,
    C2,
    EYE_RATE,
    EYE_SHARE,
    LOST,
    OPSIN,
    POLYNOMIAL,
    ROOT_START,
    SMALLEST,
    STRUCTURE,
    TAPS,
    TOTAL,
    UNITS,
    WEIGHTS,
    WHITE,
    B,
    Floats,
    X,
    Y,
    errors,
    levels,
    light_tables,
)


def block_slopes(x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.int16], slopes: Floats) -> None:
    """The gradient of `for_the_eye` in ssimulacra2.py times the number of pixels, to `slopes`.

    x (H, W, 3) and x_hat, as for pixel_slopes, with no side below SMALLEST; all may be views.
    """
    light, light_slopes = light_tables()
    level = levels(x_hat)
    pair = [to_planes(light[UNITS * x.astype(np.int32)]), to_planes(light[level])]
    scales: list[dict[int, Plane]] = []
    roots: list[Floats] = []
    norms: list[list[float]] = []
    for scale, weights in enumerate(WEIGHTS):
        if min(pair[0].shape[1:]) < SMALLEST:
            break
        if scale > 0:
            pair = [pool(planes) for planes in pair]
        wanted = sorted({colour for colour, _, _, _ in weights})
        (xyb, _), (xyb_hat, root_slopes) = (colours(planes, wanted) for planes in pair)
        planes = {c: compare(xyb[c], xyb_hat[c]) for c in wanted}
        norms.append([_norm(planes[colour], norm, kind) for colour, norm, kind, _ in weights])
        scales.append(planes)
        roots.append(root_slopes)
    cost = EYE_SHARE * EYE_RATE * (x.shape[0] * x.shape[1]) * _distance_slope(norms)
    by_light = None
    for scale in reversed(range(len(scales))):
        planes = scales[scale]
        by_colour = {
            c: _slopes(planes[c], _rates(planes[c], scale, c, norms, cost)) for c in planes
        }
        finer = _by_light(by_colour, roots[scale])
        by_light = finer if by_light is None else finer + _unpool(by_light, finer.shape)
    assert by_light is not None
    inside = (x_hat >= -WHITE) & (x_hat <= WHITE)
    seen = np.moveaxis(by_light, 0, 2) * light_slopes[level]
    squared = (1 - EYE_SHARE) * 2 / 3 * 255 / UNITS * errors(x, level)
    slopes[:] = np.where(inside, seen + squared, 0)


class Plane(NamedTuple):
    """One colour at one scale, all (h, w)."""

    x: Floats
    x_hat: Floats
    mean: Floats
    """Of x_hat around each pixel."""
    drift: Floats
    """Mean of x, less that."""
    inverse: Floats
    """One over the two variances."""
    ratio: Floats
    """Variance of the error over them."""
    edges: Floats
    """Added, or lost: below zero."""


def to_planes(pixels: Floats) -> Floats:
    """(H, W, 3) to (3, H, W)."""
    return np.ascontiguousarray(np.moveaxis(pixels, 2, 0))


def pool(planes: Floats) -> Floats:
    """(3, h, w) to half of that; the last row and column are repeated where they are odd."""
    _, height, width = planes.shape
    even = np.pad(planes, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    rows = even[:, 0::2] + even[:, 1::2]
    return 0.25 * (rows[..., 0::2] + rows[..., 1::2])


def _unpool(by_light: Floats, shape: tuple[int, ...]) -> Floats:
    """The gradient by what pool was given, from that by what it made."""
    wide = 0.25 * by_light.repeat(2, 1).repeat(2, 2)[:, : shape[1], : shape[2]]
    if shape[1] % 2:
        wide[:, -1] *= 2
    if shape[2] % 2:
        wide[..., -1] *= 2
    return wide


def colours(light: Floats, wanted: list[int]) -> tuple[dict[int, Floats], Floats]:
    """Planes (h, w) of XYB, all above zero, of linear light (3, h, w); slopes of the cube roots."""
    roots, slopes = zip(
        *(_cube_root(light, row) for row in OPSIN[: 3 if B in wanted else 2]), strict=True
    )
    grey = 0.5 * (roots[0] + roots[1])
    planes = {Y: grey + (0.01 - BIAS_ROOT)}
    if X in wanted:
        planes[X] = 7 * (roots[0] - roots[1]) + 0.42
    if B in wanted:
        planes[B] = (roots[2] - grey) + 0.55
    return planes, np.stack(slopes)


def _cube_root(light: Floats, row: tuple[float, float, float]) -> tuple[Floats, Floats]:
    """Of light (3, h, w) mixed by a row of OPSIN, and what it grows by per light: both (h, w).

    Newton's method for inverse cube roots needs no division.
    """
    red, green, blue = (part * plane for part, plane in zip(row, light, strict=True))
    mixed = ((red + green) + blue) + BIAS
    third = (1 / 3) * mixed
    bits = mixed.view(np.int32).astype(np.float32)
    guess = ROOT_START - (1 / 3) * bits
    inverse = guess.astype(np.int32).view(np.float32)
    for _ in range(3):
        inverse = inverse * (4 / 3 - (inverse * inverse) * (third * inverse))
    square = inverse * inverse
    return mixed * square, (1 / 3) * square


def _blur(plane: Floats) -> Floats:
    """(h, w), smoothed down, then across; what lies outside is mirrored, or zero across.

    The transpose of this is this.
    """
    height, width = plane.shape
    reach = len(TAPS) - 1
    seen = np.arange(-reach, height + reach) % (2 * height)
    tall = plane[np.minimum(seen, 2 * height - 1 - seen)]
    wide = np.pad(_taps(tall, height), ((0, 0), (reach, reach)))
    return _taps(wide.T, width).T


def _taps(padded: Floats, size: int) -> Floats:
    """Weighted sums of `size` rows and their neighbours: the middle, then outwards."""
    reach = len(TAPS) - 1
    total = TAPS[0] * padded[reach : reach + size]
    for away, tap in enumerate(TAPS[1:], 1):
        before, after = (padded[reach + step : reach + step + size] for step in (-away, away))
        total = total + tap * (before + after)
    return total


def compare(x: Floats, x_hat: Floats) -> Plane:
    """Two planes of a colour: what the maps of lost structure and of edges are made of."""
    error = x - x_hat
    mean, drift = _blur(x_hat), _blur(error)
    mean_x = mean + drift
    both = _blur(x * x + x_hat * x_hat) - mean_x * mean_x
    inverse = 1 / ((both - mean * mean) + C2)
    ratio = (_blur(error * error) - drift * drift) * inverse
    edge, edge_x = np.abs(x_hat - mean), np.abs(x - mean_x)
    edges = (edge - edge_x) / (1 + edge_x)
    return Plane(x, x_hat, mean, drift, inverse, ratio, edges)


def _structure(plane: Plane) -> Floats:
    """1 - (1 - drift^2) (2 covariance + C2) / (variances + C2), without small differences."""
    return plane.ratio + (plane.drift * plane.drift) * (1 - plane.ratio)


def _norm(plane: Plane, norm: int, kind: int) -> float:
    """1-norm, or 4-norm, of a map; summed in float64, row by row, then column by column."""
    values = powers(plane, norm, kind)
    columns = np.cumsum(values, axis=0, dtype=np.float64)[-1]
    mean = np.cumsum(columns)[-1] / values.size
    return float(mean if norm == 1 else np.sqrt(np.sqrt(mean + 1e-20)))


def powers(plane: Plane, norm: int, kind: int) -> Floats:
    """(h, w): a map to the power of its norm."""
    values = _structure(plane) if kind == STRUCTURE else plane.edges
    values = -values if kind == LOST else values
    values = np.where(values > 0, values, 0)
    if norm == 4:
        squares = values * values
        values = squares * squares
    return values


def _distance_slope(norms: list[list[float]]) -> float:
    """What the distance grows by, per weighted norm."""
    total = 0.0
    for weights, found in zip(WEIGHTS, norms, strict=False):
        for (_, norm, _, weight), value in zip(weights, found, strict=True):
            total += weight * (value if norm == 1 else value - 1e-5)
    total *= TOTAL
    first, second, third = POLYNOMIAL
    return TOTAL * (first + total * (2 * second + total * (3 * third)))


def _rates(plane: Plane, scale: int, colour: int, norms: list[list[float]], cost: float) -> Floats:
    """(3, 2): what each map costs, per pixel of it: that times the first, its cube the second."""
    rates = np.zeros((3, 2))
    for (of, norm, kind, weight), value in zip(WEIGHTS[scale], norms[scale], strict=True):
        if of == colour:
            rate = cost * weight / plane.x.size
            rates[kind, norm // 4] = rate if norm == 1 else rate / (value * value * value)
    return rates.astype(np.float32)


def _slopes(plane: Plane, rates: Floats) -> Floats:
    """(h, w) gradient by x_hat of a colour."""
    x, x_hat, mean, drift, inverse, ratio, edges = plane
    structure = _structure(plane)
    cube = (structure * structure) * structure
    lost = rates[STRUCTURE, 0] + rates[STRUCTURE, 1] * cube
    lost = np.where(structure > 0, lost, 0)
    by_error = (lost * (1 - drift * drift)) * inverse
    by_both = by_error * ratio

    first, third = (np.where(edges > 0, rates[ADDED, i], -rates[LOST, i]) for i in (0, 1))
    size = np.abs(edges)
    by_edge = first + third * ((size * size) * size)
    away = x_hat - mean
    by_edge = by_edge / (1 + np.abs(x - (mean + drift)))
    by_edge = np.where(away < 0, -by_edge, by_edge)
    by_edge = np.where((edges == 0) | (away == 0), 0, by_edge)

    by_mean = 2 * (mean * by_both - drift * (lost * (1 - ratio) - by_error)) - by_edge
    through = (x - x_hat) * _blur(by_error) + x_hat * _blur(by_both)
    return (by_edge + _blur(by_mean)) - 2 * through


def _by_light(by_colour: dict[int, Floats], root_slopes: Floats) -> Floats:
    """(3, h, w) gradient by linear light, of that by XYB."""
    grey = by_colour[Y] - by_colour[B] if B in by_colour else by_colour[Y]
    grey = 0.5 * grey
    long = middle = grey
    if X in by_colour:
        step = 7 * by_colour[X]
        long, middle = grey + step, grey - step
    roots = [long, middle, by_colour[B]] if B in by_colour else [long, middle]
    roots = [root * slope for root, slope in zip(roots, root_slopes, strict=True)]
    lights = np.empty((3, *grey.shape), np.float32)
    for i in range(3):
        lights[i] = OPSIN[0][i] * roots[0] + OPSIN[1][i] * roots[1]
        if B in by_colour:
            lights[i] = lights[i] + OPSIN[2][i] * roots[2]
    return lights
