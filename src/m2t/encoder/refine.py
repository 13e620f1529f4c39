"""Encoder effort: move tokens by whole steps wherever error and rate together get smaller.

The loss of an image is its bits plus lmbda times its distortion, as in training: squared error, or
what is seen. A pass over the tokens takes the gradient of that through the synthesis transform, and
the mixtures of all tokens as they are; then each symbol decides for itself whether a step up or
down pays:

    slope * step + curvature  +  bits(symbol + step) - bits(symbol)  <  0

Others move at the same time, and so may go too far together, which the next pass mends. So early
passes are bold and count a share of the curvature alone; the last ones count all of it. Where there
is one pass only, it takes the gradient through the linear part of the synthesis: half the time, and
safer, for what the networks answer to one move they do not answer to many at once. The decoder
knows nothing of all this. Kin to rate-distortion optimised quantisation in video coders, and to
refining latents by gradients (Yang et al. 2020), but in integers from start to end.
"""

import math
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..config import Aim, ModelConfig
from ..geometry.schedule import build
from ..geometry.windows import Latents, Window, cut
from ..protocols import Slopes
from ..rans import Coder, Mixture
from ..rans.gaussians import cdf
from ..rans.tables import tables

CAUTION: tuple[tuple[float, ...], ...] = (
    (),
    (0.85,),
    (0.75, 0.95),
    (0.7, 0.8, 1.0),
    (0.7, 0.7, 0.8, 1.0),
    (0.7, 0.7, 0.7, 0.8, 0.9, 1.0),
    (0.6, 0.7, 0.7, 0.7, 0.8, 0.8, 0.9, 1.0),
    (0.6, *[0.7] * 6, 0.8, 0.8, 0.9, 0.9, 1.0),
    (0.6, *[0.7] * 10, 0.8, 0.8, 0.9, 0.9, 1.0),
    (0.6, *[0.7] * 16, 0.8, 0.8, 0.8, 0.9, 0.9, 0.9, 1.0),
)
"""For each effort its passes, and the share of the curvature that each counts."""
DEFAULT_EFFORT = 1

LOG_ENTRIES = 4096
"""Of the table of logarithms: bits are then right to 0.0002."""
Places = NDArray[np.int64]
"""(n,) where symbols lie in a flattened window."""


class Mover:
    """A coder that codes nothing: it waits for all mixtures of a window, and moves its symbols."""

    def __init__(
        self, y_hat: Latents, slopes: Slopes, curvatures: NDArray, parts: Iterator[Places]
    ) -> None:
        """Tokens, slopes, curvatures (h, w, C) of a window; where the symbols of each call lie."""
        self.y_hat, self.slopes, self.parts = y_hat, slopes.ravel(), parts
        self.curvatures = curvatures.ravel()
        # A zero that the error does not move is hardly ever moved by the rate.
        self.candidates = (np.abs(self.slopes) > self.curvatures) | (y_hat.ravel() != 0)
        self.places: list[Places] = []
        self.mixtures: list[Mixture] = []

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """The symbols (n,), as they are."""
        assert symbols is not None
        if len(symbols):  # other windows of the batch may have more groups
            places = next(self.parts)
            some = np.flatnonzero(self.candidates[places])
            self.places.append(places[some])
            self.mixtures.append(mixture.rows(some))
        return symbols

    def finish(self) -> Latents:
        """The window's tokens (h, w, C), moved."""
        places = np.concatenate(self.places)
        mixture = Mixture(*map(np.concatenate, zip(*self.mixtures, strict=True)))
        symbols = self.y_hat.flatten()
        symbols[places] += best_steps(
            symbols[places], mixture, self.slopes[places], self.curvatures[places]
        )
        return symbols.reshape(self.y_hat.shape)


def best_steps(
    symbols: NDArray[np.int32], mixture: Mixture, slopes: NDArray, curvatures: NDArray
) -> NDArray[np.int32]:
    """(n,) of -1, 0 and 1: the step that saves most."""
    ends = symbols.astype(np.int64) + np.arange(-1, 3)[:, None]
    masses = np.diff(cdf(mixture, tables(), ends), axis=0)
    below, here, above = costs(np.maximum(masses, 1))  # none is 0 but far off, where all are
    losses = [
        below - here - slopes + curvatures,
        np.zeros(len(symbols)),
        above - here + slopes + curvatures,
    ]
    return (np.argmin(losses, axis=0) - 1).astype(np.int32)


def costs(masses: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits of symbols of these probabilities, up to a constant: from a table, alike everywhere."""
    mantissas, exponents = np.frexp(masses.astype(np.float64))
    places = ((mantissas - 0.5) * (2 * LOG_ENTRIES)).astype(np.int64)
    return _logarithms()[places] - exponents


@cache
def _logarithms() -> NDArray[np.float64]:
    """-log2 in the middle of each interval between 1/2 and 1, rounded so that no libm differs."""
    middles = [(LOG_ENTRIES + i + 0.5) / (2 * LOG_ENTRIES) for i in range(LOG_ENTRIES)]
    return np.array([-round(math.log2(middle) * 2**24) / 2**24 for middle in middles])


def places_of(config: ModelConfig, window: Window) -> Iterator[Places]:
    """Where the symbols of a window lie among all of it, block by block as they are coded."""
    channels = config.transform.latent_channels
    places = np.arange(window.height * window.width * channels).reshape(-1, channels)
    schedule = build(config.schedule, window.height, window.width)
    for part in schedule.slices:
        for channels in config.slices:
            yield places[schedule.order[part], channels].ravel()


def passes_of(config: ModelConfig, effort: int) -> tuple[float, ...]:
    """The passes of an effort: see CAUTION. None where the order of tokens depends on them."""
    return () if config.schedule.order == "entropy" else CAUTION[effort]


SlopesOf = Callable[[Latents, bool], tuple[Slopes, NDArray[np.float32]]]
"""Tokens, and whether to go by the linear part alone -> Transforms.slopes()."""
Move = Callable[[Latents, Callable[[int], Coder[Latents]]], list[Latents]]
"""Runs tokens (h, w, C) through a coder for each window, by index -> what each says at its end."""


def refine(
    config: ModelConfig,
    y_hat: Latents,
    aim: Aim,
    effort: int,
    step_errors: Callable[[Aim], NDArray[np.float32]],
    slopes_of: SlopesOf,
    move: Move,
) -> Latents:
    """Tokens (h, w, C), moved to where error and rate are lower together.

    Those of an order that depends on them stay as they are. `step_errors`: see Transforms.
    """
    passes = passes_of(config, effort)
    if not passes:
        return y_hat
    # Rounded to float32, lambda is the same wherever exp is computed.
    lmbda = np.float32(config.rate.lmbda(aim))
    curvatures = lmbda / np.float32(3) * step_errors(aim)
    for share in passes:
        slopes, stiffness = slopes_of(y_hat, len(passes) == 1)
        stiff = np.float32(share) * stiffness[..., None] * curvatures
        y_hat = moved(config, y_hat, lmbda * slopes, stiff, move)
    return y_hat


def moved(
    config: ModelConfig, y_hat: Latents, slopes: Slopes, curvatures: NDArray, move: Move
) -> Latents:
    """Tokens (h, w, C), each moved by itself; slopes and curvatures are of the same shape."""
    rows, columns, _ = y_hat.shape
    windows = cut(rows, columns, config.entropy.window)

    def open_mover(i: int) -> Mover:
        window = windows[i]
        inside = (window.rows, window.columns)
        places = places_of(config, window)
        return Mover(y_hat[inside], slopes[inside], curvatures[inside], places)

    better = np.empty_like(y_hat)
    for window, its in zip(windows, move(y_hat, open_mover), strict=True):
        better[window.rows, window.columns] = its
    return better
