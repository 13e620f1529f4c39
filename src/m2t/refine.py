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

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from .coding import Mixture
from .coding.gaussians import cdf
from .coding.tables import tables
from .config import STRIDE, Aim, ModelConfig
from .distortion import pixel_slopes
from .latents import Latents
from .meter import Meter
from .schedule import build
from .windows import Window

if TYPE_CHECKING:
    from .codec import Codec

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

Slopes = NDArray[np.float32]
"""(h, w, C): bits that the error changes by, for a step of each symbol, to first order."""
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
    below, here, above = -np.log2(np.maximum(masses, 1))  # none is 0 but far off, where all are
    losses = [
        below - here - slopes + curvatures,
        np.zeros(len(symbols)),
        above - here + slopes + curvatures,
    ]
    return (np.argmin(losses, axis=0) - 1).astype(np.int32)


def places_of(config: ModelConfig, window: Window) -> Iterator[Places]:
    """Where the symbols of a window lie among all of it, block by block as they are coded."""
    channels = config.transform.latent_channels
    places = np.arange(window.height * window.width * channels).reshape(-1, channels)
    schedule = build(config.schedule, window.height, window.width)
    for part in schedule.slices:
        for channels in config.slices:
            yield places[schedule.order[part], channels].ravel()


def refine(
    codec: "Codec",
    rgb: NDArray[np.uint8],
    y_hat: Latents,
    aim: Aim,
    effort: int = DEFAULT_EFFORT,
    meter: Meter | None = None,
) -> Latents:
    """Tokens (h, w, C) of the pixels (H, W, 3), moved to where error and rate are lower together.

    Those of an order that depends on them stay as they are.
    """
    passes = CAUTION[effort]
    if not passes or codec.config.schedule.order == "entropy":
        return y_hat
    lmbda = codec.config.rate.lmbda(aim)
    curvatures = lmbda / 3 * codec.transforms.step_errors(codec.t(aim))[0].cpu().numpy()
    for share in passes:
        linear = len(passes) == 1
        slopes, stiffness = token_slopes(codec, rgb, y_hat, aim, linear, meter)
        stiff = share * stiffness[..., None] * curvatures
        y_hat = moved(codec, y_hat, lmbda * slopes, stiff, aim, meter)
    return y_hat


def moved(
    codec: "Codec",
    y_hat: Latents,
    slopes: Slopes,
    curvatures: NDArray,
    aim: Aim,
    meter: Meter | None = None,
) -> Latents:
    """Tokens (h, w, C), each moved by itself; slopes and curvatures are of the same shape."""
    size, windows = y_hat.shape[:2], codec.windows(y_hat.shape[:2])

    def open_mover(i: int) -> Mover:
        window = windows[i]
        inside = (window.rows, window.columns)
        places = places_of(codec.config, window)
        return Mover(y_hat[inside], slopes[inside], curvatures[inside], places)

    better = np.empty_like(y_hat)
    tokens = codec.code(size, aim, open_mover, y_hat, meter).results
    for window, its in zip(windows, tokens, strict=True):
        better[window.rows, window.columns] = its
    return better


def token_slopes(
    codec: "Codec",
    rgb: NDArray[np.uint8],
    y_hat: Latents,
    aim: Aim,
    linear: bool = False,
    meter: Meter | None = None,
) -> tuple[Slopes, NDArray[np.float32]]:
    """Gradient of the distortion (distortion.py) of the pixels that the tokens paint, and (h, w),
    by how much more than to squared error each token matters to it.

    With `linear`, the error is the same, but as if only the synthesis' linear part could mend it.
    """
    slopes = np.zeros(y_hat.shape, np.float32)
    stiffness = np.empty(y_hat.shape[:2], np.float32)
    for strip in codec.synthesis_strips(y_hat.shape[:2]):
        pixels = torch.tensor(rgb[strip.start * STRIDE : strip.stop * STRIDE])
        x = pixels.to(codec.device).permute(2, 0, 1).float() / 255
        y = torch.from_numpy(y_hat[strip.context]).to(codec.device, torch.float32)
        y = y.permute(2, 0, 1)[None].requires_grad_()
        with torch.enable_grad(), codec.autocast():
            x_hat = codec.transforms.synthesise(y, codec.t(aim), linear)[0]
            x_hat = x_hat[:, strip.inner.start * STRIDE :][:, : x.shape[1], : x.shape[2]]
            by_pixels, by_tokens = pixel_slopes(x, x_hat.detach(), aim.tune)
            (gradient,) = torch.autograd.grad(x_hat, y, by_pixels)
        slopes[strip.context] += gradient[0].permute(1, 2, 0).cpu().numpy()
        stiffness[strip.rows] = by_tokens.cpu().numpy()
        if meter:
            meter.add((strip.stop - strip.start) * y_hat.shape[1])
    return slopes, stiffness
