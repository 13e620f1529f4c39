"""A distance between pictures that agrees with what people see, and that gradients pass through.

It is SSIMULACRA2's own (Sneyers 2023; the constants are those of libjxl's tools): in the colours
XYB and at several scales, maps of lost structure, added edges and lost edges, averaged by 1-norms
and 4-norms, weighted and summed. SSIMULACRA2 reports a score of 100 - 10 distance^0.6276.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..engine.eye_tables import BIAS as _BIAS
from ..engine.eye_tables import C2 as _C2
from ..engine.eye_tables import EYE_RATE, EYE_SHARE, SMALLEST, WEIGHTS
from ..engine.eye_tables import OPSIN as _OPSIN

POWER = 0.6276336467831387
COLOURS = "XYB"
"""By their numbers in WEIGHTS. (Letters, as a compiler takes numbers for what may change.)"""
STRUCTURE, ADDED, LOST = range(3)
"""The order of the maps that _maps returns."""
_SIGMA, _RADIUS = 1.5, 5


def distances(x: Tensor, x_hat: Tensor, parts: "Parts | None" = None) -> Tensor:
    """(B,) distances of x_hat (B, 3, H, W) from x, sRGB from 0 to 1 and clamped to that.

    They are 0 for equal pictures and grow with the square of small errors.
    """
    with torch.autocast(x.device.type, enabled=False):  # variances are small differences
        return _distances(x.float(), x_hat.float().clamp(0, 1), parts or Parts())


def for_the_eye(
    x: Tensor,
    x_hat: Tensor,
    mse: Tensor,
    share: float = EYE_SHARE,
    rate: float = EYE_RATE,
    parts: "Parts | None" = None,
) -> Tensor:
    """(B,) distortions of the tune for the eye: squared errors `mse` (B,) mixed with distances."""
    return torch.lerp(mse, rate * distances(x, x_hat, parts), share)


def score(distance: Tensor) -> Tensor:
    """What SSIMULACRA2 reports: 100 is equal, 90 not to be told apart, 50 medium, below 0 awful."""
    return 100 - 10 * distance**POWER


def _distances(x: Tensor, x_hat: Tensor, parts: "Parts") -> Tensor:
    total = torch.zeros(len(x), device=x.device)
    x, x_hat = parts.linear(x), parts.linear(x_hat)
    for scale, weights in enumerate(WEIGHTS):
        if min(x.shape[2:]) < SMALLEST:
            break
        if scale > 0:
            x, x_hat = (_halved(v) for v in (x, x_hat))
        colours = "".join(
            sorted({COLOURS[colour] for colour, _, _, _ in weights}, key=COLOURS.index)
        )
        rows = _smoothing(x.shape[2], True, x.device)
        columns = _smoothing(x.shape[3], False, x.device)
        norms = parts.norms(x, x_hat, rows, columns, colours)
        total = total + (norms * _weights(scale, colours, x.device)).flatten(1).sum(1)
    total = 0.9562382616834844 * total
    return (
        2.326765642916932 * total
        - 0.020884521182843837 * total**2
        + 6.248496625763138e-05 * total**3
    )


def _halved(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


@functools.lru_cache(maxsize=64)
def _weights(scale: int, colours: str, device: torch.device) -> Tensor:
    """(2, 3, n): of 1-norms and 4-norms of the maps of some colours, in the order of _norms."""
    with torch.inference_mode(False):
        weights = torch.zeros(2, 3, len(colours), dtype=torch.float32)
        for colour, norm, kind, weight in WEIGHTS[scale]:
            weights[norm // 4, kind, colours.index(COLOURS[colour])] = weight
        return weights.to(device)


def _norms(x: Tensor, x_hat: Tensor, rows: Tensor, columns: Tensor, colours: str) -> Tensor:
    """(B, 2, 3, n): 1-norms and 4-norms of the maps of n colours; linear light (B, 3, h, w)."""
    maps = _maps(_xyb(x, colours), _xyb(x_hat, colours), (rows, columns))
    # The gradient of a 4-norm at zero is zero, where that of the root would be infinite.
    fourth = (maps.square().square().mean((-2, -1)) + 1e-20).sqrt().sqrt() - 1e-5
    return torch.stack((maps.mean((-2, -1)), fourth), 1)


def _linear(x: Tensor) -> Tensor:
    """sRGB to linear light."""
    return torch.where(x > 0.04045, ((x.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4, x / 12.92)


def _xyb(linear: Tensor, colours: str) -> Tensor:
    """Linear light to some colours (B, n, h, w) of XYB, moved to where all are positive."""
    red, green, blue = linear.unbind(1)
    cones = [
        (r * red + g * green + b * blue + _BIAS) ** (1 / 3) - _BIAS ** (1 / 3)
        for r, g, b in (_OPSIN if "B" in colours else _OPSIN[:2])
    ]
    y = 0.5 * (cones[0] + cones[1])
    planes = {"X": 7.0 * (cones[0] - cones[1]) + 0.42, "Y": y + 0.01}
    if "B" in colours:
        planes["B"] = cones[2] - y + 0.55
    return torch.stack([planes[colour] for colour in colours], 1)


def _maps(x: Tensor, x_hat: Tensor, matrices: tuple[Tensor, Tensor]) -> Tensor:
    """Lost structure, added edges and lost edges (B, 3, n, h, w) of planes (B, n, h, w)."""
    mean = _blur(x, *matrices)
    # Smoothing is linear: one product serves both squares, and one all that has a gradient.
    some = torch.stack((x_hat, x * x_hat, x**2 + x_hat**2))
    mean_hat, product, squares = _blur(some, *matrices).unbind(0)
    covariance = product - mean * mean_hat
    variances = squares - mean**2 - mean_hat**2
    likeness = (1 - (mean - mean_hat) ** 2) * (2 * covariance + _C2) / (variances + _C2)
    edges = (1 + (x_hat - mean_hat).abs()) / (1 + (x - mean).abs()) - 1
    return F.relu(torch.stack((1 - likeness, edges, -edges), 1))


def _blur(planes: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Planes (..., h, w), smoothed. A product with a matrix is faster than a convolution."""
    return rows @ planes @ columns.T


@functools.lru_cache(maxsize=256)
def _smoothing(size: int, mirrored: bool, device: torch.device) -> Tensor:
    """(size, size) Gaussian of sigma 1.5; what lies outside is mirrored, or zero."""
    with torch.inference_mode(False):
        offsets = torch.arange(-_RADIUS, _RADIUS + 1)
        taps = torch.exp(-0.5 * (offsets.double() / _SIGMA) ** 2)
        seen = torch.arange(size)[:, None] + offsets
        inside = (seen >= 0) & (seen < size)
        if mirrored:
            seen = seen % (2 * size)
            seen = torch.minimum(seen, 2 * size - 1 - seen)
            inside = torch.ones_like(inside)
        matrix = torch.zeros(size, size, dtype=torch.float64)
        weights = (taps / taps.sum()).expand(size, -1) * inside
        matrix.scatter_add_(1, seen.clamp(0, size - 1), weights)
        return matrix.float().to(device)


class Parts(NamedTuple):
    """What distances are made of, in case that training has it compiled."""

    linear: Callable[..., Tensor] = _linear
    norms: Callable[..., Tensor] = _norms
