"""Checksums and hashes of tokens and pixels: in files, and to compare machines by."""

import hashlib
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .container import Strip
from .errors import Corrupt
from .geometry.windows import Latents, Window


def latents_crc(y_hat: Latents, windows: Sequence[Window], crc: int = 0) -> int:
    """CRC-32 of some windows of tokens (h, w, C): each in raster order, as int32 little-endian.

    `crc` is that of the windows before them.
    """
    for window in windows:
        crc = zlib.crc32(
            y_hat[window.rows, window.columns].astype("<i4", copy=False).tobytes(), crc
        )
    return crc


def check_latents(y_hat: Latents, windows: Sequence[Window], strips: Sequence[Strip]) -> None:
    """Raise Corrupt unless the windows of all strips are the tokens that they were made of."""
    first = 0
    for strip in strips:
        end = first + len(strip.windows)
        if latents_crc(y_hat, windows[first:end]) != strip.latents_crc:
            raise Corrupt("decoded latents do not match their checksum")
        first = end


def latents_sha256(y_hat: Latents) -> str:
    """SHA-256, in hex, of an image's tokens (h, w, C) in raster order, as int32 little-endian.

    Equal on any two machines that decode alike, whatever windows a file is cut into.
    """
    return hashlib.sha256(y_hat.astype("<i4", copy=False).tobytes()).hexdigest()


def pixels_sha256(rgb: NDArray[np.uint8]) -> str:
    """SHA-256, in hex, of an image's pixels (H, W, 3) in raster order.

    Equal on any two machines where the transforms are integers, whatever an image's alpha or mode.
    """
    return hashlib.sha256(np.ascontiguousarray(rgb).tobytes()).hexdigest()
