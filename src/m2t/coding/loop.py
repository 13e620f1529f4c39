"""The one loop that codes latents; encoder, decoder and rate counter all run it."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .gaussians import Mixture
from .rans import Coder

Integers = NDArray[np.int32]


class Predictor(Protocol):
    """What the loop needs of an entropy model, for W windows of N tokens of C channels.

    It tells where the next symbols lie and how they are distributed, in integers; it learns their
    values through reveal() alone, whether they come from an image or from a file.
    """

    num_groups: int
    y_hat: Integers
    """(W, N, C): the tokens revealed so far."""
    slices: list[slice]
    """Of a token's channels: coded one after the other within each group."""

    def next_group(self) -> NDArray[np.int64]:
        """(W, n) the tokens to be coded next."""
        ...

    def mixtures(self, k: int) -> list[Mixture]:
        """For each window, the mixtures of the group's tokens in slice k, channels fastest."""
        ...

    def reveal(self, k: int, symbols: Integers) -> None:
        """The values (W, n, channels) of slice k."""
        ...


def code_windows(
    predictor: Predictor,
    coders: Sequence[Coder],
    y: Integers | None = None,
    on_tokens: Callable[[int], None] | None = None,
) -> Integers:
    """Code W windows, each with its own coder: y (W, N, C), or what the coders read if it is None.

    Returns the latents (W, N, C), the same ones on both sides. `on_tokens` is told how many
    tokens each group had, as it is done.
    """
    rows = np.arange(len(coders))[:, None]
    for _ in range(predictor.num_groups):
        group = predictor.next_group()
        for k, channels in enumerate(predictor.slices):
            known = None if y is None else y[rows, group][..., channels]
            symbols = [
                coder.code(None if known is None else known[w].ravel(), mixture)
                for w, (coder, mixture) in enumerate(
                    zip(coders, predictor.mixtures(k), strict=True)
                )
            ]
            predictor.reveal(k, np.stack(symbols).reshape(*group.shape, -1))
        if on_tokens:
            on_tokens(group.size)
    return predictor.y_hat
