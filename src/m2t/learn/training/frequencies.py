"""Photographs and kernels by their frequencies, which differ in strength by 10^4."""

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..networks.lapped import SUPPORT, from_eighth, in_steps, to_eighth
from ..networks.model import Model
from .data import Crops

NUM_PATCHES = 5_000
"""From which the strength of frequencies is measured."""
FAINTEST = 0.1
"""Frequencies weaker than that, in quantiser steps, count as if they had it."""


@functools.cache
def cosines(size: int, device: torch.device) -> Tensor:
    """(size, size) orthonormal DCT-II: row k is frequency k."""
    k, x = torch.arange(size)[:, None], torch.arange(size, dtype=torch.float64) + 0.5
    rows = torch.cos(math.pi / size * k * x) * math.sqrt(2 / size)
    rows[0] *= math.sqrt(0.5)
    return rows.float().to(device)


def of_pictures(pictures: Tensor) -> Tensor:
    """Pictures (N, 3, side, side) as cosines over colours, rows and columns: the same shape."""
    colours, places = cosines(3, pictures.device), cosines(pictures.shape[-1], pictures.device)
    return places @ torch.einsum("ij,njhw->nihw", colours, pictures) @ places.T


def to_pictures(frequencies: Tensor) -> Tensor:
    """The inverse of of_pictures."""
    device = frequencies.device
    colours, places = cosines(3, device), cosines(frequencies.shape[-1], device)
    return places.T @ torch.einsum("ij,nihw->njhw", colours, frequencies) @ places


def of_kernels(kernels: Tensor) -> Tensor:
    """Kernels (N, 192, 4, 4) of the linear transforms -> (N, 3, 32, 32)."""
    return of_pictures(from_eighth(kernels))


def to_kernels(frequencies: Tensor) -> Tensor:
    """The inverse of of_kernels."""
    return to_eighth(to_pictures(frequencies))


def strengths(patches: Tensor) -> Tensor:
    """(3, side, side): root mean square of each frequency of patches (n, 3, side, side), 0..1."""
    return of_pictures(in_steps(patches)).square().mean(0).sqrt()


def whitening(patches: Tensor) -> Tensor:
    """(n, n): blocks of pixels, in the order of a layer that sees them, to even frequencies.

    `patches` (N, 3, side, side) say how strong each frequency is. Blocks of 8 come in the order
    of to_eighth, those of 4 in that of the plain picture in the synthesis.
    """
    side, size = patches.shape[-1], 3 * patches.shape[-1] ** 2
    pictures = to_pictures(torch.eye(size).view(size, 3, side, side))
    rows = to_eighth(pictures) if side == 8 else F.pixel_unshuffle(pictures, side)
    faintest = torch.tensor(FAINTEST)
    return rows.flatten(1) / torch.hypot(strengths(patches), faintest).view(-1, 1)


def kernel_strengths(crops: Crops) -> Tensor:
    """(3, 32, 32): how strong the frequencies are that the linear analysis meets."""
    return strengths(crops.patches(NUM_PATCHES, SUPPORT))


def even_inputs(model: Model, crops: Crops) -> dict[str, Tensor]:
    """By the names of layers that see blocks of pixels: what makes their inputs even."""
    sides = model.pixel_parameters()
    return {name: whitening(crops.patches(NUM_PATCHES, side)) for name, side in sides.items()}
