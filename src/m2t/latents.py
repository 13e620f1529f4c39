"""Token integers of a whole image to coders and back: windows, batches, checksum."""

import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from .coding.loop import code_windows
from .coding.rans import Coder
from .config import STRIDE
from .entropy.predictor import Network, build_predictor
from .windows import Window, by_shape, cut

Latents = NDArray[np.int32]
"""(h, w, C) tokens."""

WINDOWS_PER_BATCH = 16
"""Windows whose networks run together. Both sides must form the same batches, as long as the
network computes in floating point."""


def latent_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of tokens of an image."""
    return -(-height // STRIDE), -(-width // STRIDE)


@torch.inference_mode()
def code_latents(
    network: Network,
    size: Sequence[int],
    quality: int,
    coders: Sequence[Coder],
    y: Latents | None = None,
    on_tokens: Callable[[int], None] | None = None,
) -> Latents:
    """Run every window of (h, w) tokens through its coder: y, or what the coders read if None.

    Args:
        on_tokens: told how many tokens have been coded since the last call.
    """
    windows = cut(size[0], size[1], network.config.entropy.window)
    y_hat = np.empty((*size, network.config.transform.latent_channels), np.int32)
    for shape, batch in _batches(windows):
        some = [windows[i] for i in batch]
        known = None if y is None else np.stack([_flat(y, window) for window in some])
        predictor = build_predictor(network, shape, len(batch), quality, known)
        coded = code_windows(predictor, [coders[i] for i in batch], known, on_tokens)
        for window, tokens in zip(some, coded, strict=True):
            y_hat[window.rows, window.columns] = tokens.reshape(*shape, -1)
    return y_hat


def latents_crc(y_hat: Latents, windows: Sequence[Window]) -> int:
    """CRC-32 of some windows of tokens (h, w, C): each in raster order, as int32 little-endian."""
    crc = 0
    for window in windows:
        crc = zlib.crc32(_flat(y_hat, window).astype("<i4", copy=False).tobytes(), crc)
    return crc


def _batches(windows: list[Window]) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """(shape, indices) of windows that run together."""
    for shape, indices in by_shape(windows).items():
        for first in range(0, len(indices), WINDOWS_PER_BATCH):
            yield shape, indices[first : first + WINDOWS_PER_BATCH]


def _flat(y: Latents, window: Window) -> Latents:
    """(N, C) tokens of one window in raster order."""
    return y[window.rows, window.columns].reshape(-1, y.shape[2])
