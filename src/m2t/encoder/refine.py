"""Encoder effort: move tokens by whole steps wherever error and rate together get smaller.

The loss of an image is its bits plus lmbda times its distortion, as in training: squared error, or
what is seen. A pass over the tokens takes the gradient of that through the synthesis transform, and
the mixtures of all tokens as they are; then each symbol decides for itself whether a step up or
down pays (moves.py).

Others move at the same time, and so may go too far together, which later passes mend. Where there
are several, each goes by a mean of its slopes and of those that the passes before lead one to
expect: what many mended at once, and then spoilt, cancels out, and what is left to mend adds up.
Where there is one pass only, it takes the gradient through the linear part of the synthesis: half
the time, and safer, for what the networks answer to one move they do not answer to many at once.
Early passes are bold and count a share of the curvature alone; the last ones count all of it. The
decoder knows nothing of all this. Kin to rate-distortion optimised quantisation in video
coders, and to refining latents by gradients (Yang et al. 2020), but in integers from start to end.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..config import Aim, ModelConfig
from ..engine.threads import beside
from ..geometry.schedule import Schedule, build
from ..geometry.windows import Latents, Window
from ..options import check
from ..protocols import Slopes
from ..rans import Coder, Mixture
from .moves import moved

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
TRUST = 2.0
"""The pass after i others trusts its own slopes by TRUST / (TRUST + i), else the expected ones."""
DEFAULT_EFFORT = 1


class Mover:
    """A coder that codes nothing: it moves the symbols of a window, for later."""

    def __init__(
        self,
        slopes: Slopes,
        curvatures: Slopes,
        schedule: Schedule,
        slices: Sequence[slice],
        out: Latents,
    ) -> None:
        """Slopes, curvatures, room for the result: (h, w, C) of a window; which groups and channels
        come one by one."""
        self.shape, self.order = slopes.shape, schedule.order
        self.slopes, self.curvatures = (
            array.reshape(-1, self.shape[-1])[self.order] for array in (slopes, curvatures)
        )
        self.better = np.empty(self.slopes.shape, np.int32)
        self.out = out
        self.parts = ((group, part) for group in schedule.slices for part in slices)

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """The symbols (n,), as they are."""
        assert symbols is not None
        if len(symbols):  # other windows of the batch may have more groups
            part = next(self.parts)
            slopes, curvatures = self.slopes[part], self.curvatures[part]
            better = moved(symbols, mixture, slopes.ravel(), curvatures.ravel())
            self.better[part] = better.reshape(slopes.shape)
        return symbols

    def finish(self) -> Latents:
        """The window's tokens (h, w, C), moved: `out`."""
        tokens = np.empty_like(self.better)
        tokens[self.order] = self.better
        self.out[:] = tokens.reshape(self.shape)
        return self.out


def passes_of(config: ModelConfig, effort: int) -> tuple[float, ...]:
    """The passes of an effort: see CAUTION. None where the order of tokens depends on them.

    Raises ConfigError where there is no such effort.
    """
    check(0 <= effort < len(CAUTION), f"effort must be in 0..{len(CAUTION) - 1}, not {effort}")
    return () if config.schedule.order == "entropy" else CAUTION[effort]


SlopesOf = Callable[[Latents, bool], tuple[Slopes, NDArray[np.float32]]]
"""Tokens, and whether to go by the linear part alone -> Transforms.slopes()."""
Move = Callable[[Latents, Callable[[int], Coder[Latents]]], list[Latents]]
"""Runs tokens (h, w, C) of the windows through a coder for each, by index -> what each says at its
end."""


class Costs(NamedTuple):
    """What steps of all tokens cost, to first and to second order: see moves.py."""

    slopes: Slopes
    """(h, w, C)."""
    stiffness: NDArray[np.float32]
    """(h, w, 1): how much of the curvatures (C,) counts."""


class Passes:
    """The costs of one pass after the other."""

    def __init__(
        self, slopes_of: SlopesOf, shares: Sequence[float], lmbda: np.float32, curvatures: Slopes
    ) -> None:
        self.slopes_of, self.shares, self.lmbda = slopes_of, shares, lmbda
        self.curvatures = curvatures
        self.before: Latents
        self.earlier: Slopes | None = None

    def costs(self, i: int, y_hat: Latents) -> Costs:
        """Those of pass i, which moves the tokens (h, w, C) of the pass before."""
        slopes, stiffness = self.slopes_of(y_hat, len(self.shares) == 1)
        slopes *= self.lmbda  # in place: with all channels, arrays are as large as pictures
        stiff = np.float32(self.shares[i]) * stiffness[..., None]
        if self.earlier is not None:
            trust = np.float32(TRUST / (TRUST + i))
            for row, values in enumerate(self.earlier):
                steps = (y_hat[row] - self.before[row]).astype(np.float32)
                # A parabola's slopes change by so much.
                expected = values + 2 * stiff[row] * self.curvatures * steps
                slopes[row] = expected + trust * (slopes[row] - expected)
        self.before, self.earlier = y_hat, slopes
        return Costs(slopes, stiff)


def refine(
    config: ModelConfig,
    y_hat: Latents,
    aim: Aim,
    effort: int,
    step_errors: Callable[[Aim], NDArray[np.float32]],
    slopes_of: SlopesOf,
    move: Move,
    windows: Sequence[Window],
    together: bool = False,
) -> Latents:
    """Tokens (h, w, C), those of some windows moved to where error and rate are lower together.

    Those of an order that depends on them stay as they are. `step_errors`: see Transforms. With
    `together`, `slopes_of` runs while `move` finds the mixtures.
    """
    shares = passes_of(config, effort)
    if not shares:
        return y_hat
    # Rounded to float32, lambda is the same wherever exp is computed.
    lmbda = np.float32(config.rate.lmbda(aim))
    curvatures = lmbda / np.float32(3) * step_errors(aim)
    passes = Passes(slopes_of, shares, lmbda, curvatures)
    with beside(together) as begin:
        for i in range(len(shares)):
            costs = begin(partial(passes.costs, i, y_hat))
            y_hat = moved_tokens(config, y_hat, costs, curvatures, move, windows)
    return y_hat


def moved_tokens(
    config: ModelConfig,
    y_hat: Latents,
    costs: Callable[[], Costs],
    curvatures: NDArray[np.float32],
    move: Move,
    windows: Sequence[Window],
) -> Latents:
    """Tokens (h, w, C), those of the windows moved, each by itself.

    Args:
        costs: waits for the costs; asked when the mixtures are known.
        curvatures: (C,).
    """
    better = y_hat.copy()

    def open_mover(i: int) -> Mover:
        slopes, stiffness = costs()
        window = windows[i]
        inside = (window.rows, window.columns)
        schedule = build(config.schedule, window.height, window.width)
        stiff = stiffness[inside] * curvatures
        return Mover(slopes[inside], stiff, schedule, config.slices, better[inside])

    move(y_hat, open_mover)
    return better
