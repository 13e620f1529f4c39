"""Opacity: the plane's bytes, and colours for what nobody sees."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from ..errors import Corrupt
from .guard import pillow_errors

Pixels = NDArray[np.uint8]


def encode_alpha(alpha: Pixels) -> bytes:
    """An alpha plane, (H, W), as an 8-bit grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(alpha).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def decode_alpha(data: bytes, size: tuple[int, int]) -> Pixels:
    """The plane of encode_alpha(), (H, W).

    `size` is the expected (width, height), compared before anything is allocated. Raises Corrupt.
    """
    with pillow_errors(Corrupt, "damaged alpha plane"):
        image = PngImageFile(io.BytesIO(data))  # without Pillow's limit of pixels
        if image.size != size or image.mode != "L":
            raise Corrupt(f"alpha plane is {image.mode} of {image.size}, not L of {size}")
        return np.array(image)


def filled(rgb: Pixels, alpha: Pixels) -> Pixels:
    """Colours (H, W, 3) that go on smoothly where `alpha` (H, W) is 0.

    Nobody sees them, but they cost bytes and their edges would spoil the rim. Each takes the mean
    of what can be seen around it, over the smallest of the squares of 2, 4, 8, ... pixels that has
    some: the pull and push of image mending (Gortler et al. 1996).
    """
    hidden = alpha == 0
    if not hidden.any() or hidden.all():
        return rgb
    known = (~hidden).astype(np.float32)
    return np.where(hidden[..., None], np.rint(_spread(rgb * known[..., None], known)), rgb).astype(
        np.uint8
    )


def _spread(sums: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means (h, w, 3) of sums over weights, and where there are none, of coarser ones."""
    if weights.all():
        return sums / weights[..., None]
    height, width = weights.shape
    coarse = _enlarged(_spread(_halved(sums), _halved(weights)))[:height, :width]
    return np.where(weights[..., None] > 0, sums / np.maximum(weights, 1)[..., None], coarse)


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums of 2x2."""
    height, width = plane.shape[:2]
    odd = [(0, height % 2), (0, width % 2)] + [(0, 0)] * (plane.ndim - 2)
    even = np.pad(plane, odd)
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]


def _enlarged(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Twice as many rows and columns: each mixes its own with the nearest other, 3 to 1."""
    for axis in (0, 1):
        size = plane.shape[axis]
        before, after = (
            np.take(plane, np.clip(np.arange(size) + step, 0, size - 1), axis) for step in (-1, 1)
        )
        pairs = np.stack((plane * 0.75 + before * 0.25, plane * 0.75 + after * 0.25), axis + 1)
        shape = list(plane.shape)
        shape[axis] = 2 * size
        plane = pairs.reshape(shape)
    return plane
