"""The one loop that codes latents; encoder, decoder and rate counter all run it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .rans.coders import Coder
from .rans.gaussians import Mixture

Integers = NDArray[np.int32]


class Group(NamedTuple):
    """The tokens that are coded together, those of one window after those of another."""

    rows: NDArray[np.int64]
    """(n,) which tokens."""
    parts: list[slice]
    """Of `rows`: those of each window."""


class Predictor(Protocol):
    """What the loop needs of an entropy model, for windows of N tokens in all, of C channels.

    It tells where the next symbols lie and how they are distributed, in integers; it learns their
    values through reveal() alone, whether they come from an image or from a file.
    """

    num_groups: int
    y_hat: Integers
    """(N, C): the tokens revealed so far."""
    slices: list[slice]
    """Of a token's channels: coded one after the other within each group."""

    def next_group(self) -> Group:
        """The tokens to be coded next."""
        ...

    def mixtures(self, k: int) -> list[Mixture]:
        """For each window, the mixtures of the group's tokens in slice k, channels fastest."""
        ...

    def reveal(self, k: int, symbols: Integers) -> None:
        """The values (n, channels) of slice k."""
        ...


def code_windows(
    predictor: Predictor,
    coders: Sequence[Coder],
    y: Integers | None = None,
    on_tokens: Callable[[int], None] | None = None,
) -> Integers:
    """Code windows, each with its own coder: y (N, C), or what the coders read if it is None.

    Returns the latents (N, C), the same ones on both sides. `on_tokens` is told how many tokens
    each group had, as it is done.
    """
    for _ in range(predictor.num_groups):
        rows, parts = predictor.next_group()
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
