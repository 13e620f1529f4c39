"""Token integers of a whole image to coders and back: windows, batches, threads, checksums."""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .coding import code_windows
from .config import Aim
from .geometry.windows import Latents, Window, cut
from .predict.predictor import Network, build_predictor
from .rans.coders import Coder

WINDOWS_PER_BATCH = 12
"""Windows whose networks run together: bounds the memory they take."""

Result = TypeVar("Result")


class Coded(Generic[Result]):
    """All windows coded."""

    def __init__(self, y_hat: Latents, results: list[Result]) -> None:
        self.y_hat = y_hat
        self.results = results
        """What each window's coder had to say at its end."""


def code_latents(
    network: Network,
    size: Sequence[int],
    aim: Aim,
    open_coder: Callable[[int], Coder[Result]],
    y: Latents | None = None,
    on_tokens: Callable[[int], None] | None = None,
    num_threads: int = 1,
) -> Coded[Result]:
    """Run every window of (h, w) tokens through its coder: y, or what the coders read if None.

    Args:
        open_coder: the coder of each window, by its index; it is finished and dropped soon after.
        on_tokens: told how many tokens have been coded since the last call, from any thread.
    """
    windows = cut(size[0], size[1], network.config.entropy.window)
    y_hat = np.empty((*size, network.config.transform.latent_channels), np.int32)
    results: dict[int, Result] = {}

    def code(batch: list[int]) -> None:
        some = [windows[i] for i in batch]
        known = None if y is None else np.concatenate([_flat(y, window) for window in some])
        shapes = [(window.height, window.width) for window in some]
        predictor = build_predictor(network, shapes, aim, known)
        coders = [open_coder(i) for i in batch]
        coded = code_windows(predictor, coders, known, on_tokens)
        first = 0
        for i, window, coder in zip(batch, some, coders, strict=True):
            end = first + window.height * window.width
            tokens = coded[first:end].reshape(window.height, window.width, -1)
            y_hat[window.rows, window.columns] = tokens
            first = end
            results[i] = coder.finish()

    num_threads = num_threads if network.threads else 1
    batches = list(_batches(len(windows), num_threads))
    if num_threads == 1 or len(batches) == 1:
        for batch in batches:
            code(batch)
    else:
        with ThreadPoolExecutor(num_threads) as pool:
            list(pool.map(code, batches))  # raises what a batch raises, and cancels the rest
    return Coded(y_hat, [results[i] for i in range(len(windows))])


def latents_crc(y_hat: Latents, windows: Sequence[Window]) -> int:
    """CRC-32 of some windows of tokens (h, w, C): each in raster order, as int32 little-endian."""
    crc = 0
    for window in windows:
        crc = zlib.crc32(_flat(y_hat, window).astype("<i4", copy=False).tobytes(), crc)
    return crc


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


def _batches(num_windows: int, num_threads: int) -> Iterator[list[int]]:
    """Windows that run together: small enough for memory, and as many batches for each thread."""
    count = -(-num_windows // WINDOWS_PER_BATCH)
    count = min(num_windows, -(-count // num_threads) * num_threads)
    for i in range(count):
        yield list(range(num_windows * i // count, num_windows * (i + 1) // count))


def _flat(y: Latents, window: Window) -> Latents:
    """(N, C) tokens of one window in raster order."""
    return y[window.rows, window.columns].reshape(-1, y.shape[2])
