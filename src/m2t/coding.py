"""Tokens of a picture through coders and back: the one loop, windows, batches, threads.

Encoder, decoder and rate counter all run it: what differs between them is the coder.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np

from .config import Aim
from .engine.threads import in_threads
from .geometry.windows import Latents, Window, cut
from .predict.predictor import Integers, Network, Predictor, build_predictor
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
    windows: Sequence[Window] | None = None,
    num_steps: int | None = None,
) -> Coded[Result]:
    """Run every window of (h, w) tokens through its coder: y, or what the coders read if None.

    Args:
        windows: those that run, where others do not; None: all. Tokens of theirs that are not
            among the (h, w) are dropped.
        open_coder: the coder of each window, by its index; it is finished and dropped soon after.
        on_tokens: told how many tokens have been coded since the last call, from any thread.
        num_steps: see code_windows().
    """
    network = network.at(aim)
    windows = windows or cut(size[0], size[1], network.config.entropy.window)
    block = Window(0, 0, size[0], size[1])
    channels = network.config.transform.latent_channels
    y_hat = np.empty((*size, channels), np.int32) if y is None else y
    results: dict[int, Result] = {}

    def code(batch: list[int]) -> None:
        some = [windows[i] for i in batch]
        known = None if y is None else np.concatenate([_flat(y, window) for window in some])
        shapes = [(window.height, window.width) for window in some]
        predictor = build_predictor(network, shapes, aim, known)
        coders = [open_coder(i) for i in batch]
        coded = code_windows(predictor, coders, known, on_tokens, num_steps)
        first = 0
        for i, window, coder in zip(batch, some, coders, strict=True):
            results[i] = coder.finish()
            if y is not None:  # whose tokens are the coded ones
                continue
            end = first + window.area
            tokens = coded[first:end].reshape(window.height, window.width, -1)
            kept = window.common(block)
            inside = kept.seen_from(window)
            y_hat[kept.rows, kept.columns] = tokens[inside.rows, inside.columns]
            first = end

    num_threads = num_threads if network.threads else 1
    batches = list(_batches(len(windows), num_threads))
    in_threads(code, batches, min(num_threads, len(batches)))
    return Coded(y_hat, [results[i] for i in range(len(windows))])


def code_windows(
    predictor: Predictor,
    coders: Sequence[Coder],
    y: Integers | None = None,
    on_tokens: Callable[[int], None] | None = None,
    num_steps: int | None = None,
) -> Integers:
    """Code windows, each with its own coder: y (N, C), or what the coders read if it is None.

    Returns the latents (N, C), the same ones on both sides. `on_tokens` is told how many tokens
    each group had, as it is done. After `num_steps` groups all other tokens are one, of which each
    is predicted from those groups alone; by default there is no such group.
    """
    num_groups = predictor.num_groups
    if num_steps is not None and num_steps < num_groups:
        num_groups = num_steps + 1
    for step in range(num_groups):
        rows, parts = predictor.rest() if step == num_steps else predictor.next_group()
        for k, channels in enumerate(predictor.slices):
            known = None if y is None else y[rows, channels]
            symbols = np.empty((len(rows), channels.stop - channels.start), np.int32)
            for part, coder, mixture in zip(parts, coders, predictor.mixtures(k), strict=True):
                given = None if known is None else known[part].ravel()
                symbols[part] = coder.code(given, mixture).reshape(symbols[part].shape)
            predictor.reveal(k, symbols)
        if on_tokens:
            on_tokens(len(rows))
    return predictor.y_hat


def _batches(num_windows: int, num_threads: int) -> Iterator[list[int]]:
    """Windows that run together: small enough for memory, and as many batches for each thread."""
    count = -(-num_windows // WINDOWS_PER_BATCH)
    count = min(num_windows, -(-count // num_threads) * num_threads)
    for i in range(count):
        yield list(range(num_windows * i // count, num_windows * (i + 1) // count))


def _flat(y: Latents, window: Window) -> Latents:
    """(N, C) tokens of one window in raster order."""
    return y[window.rows, window.columns].reshape(-1, y.shape[2])
