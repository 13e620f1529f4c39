"""Encoder effort: move tokens by whole steps wherever error and rate together get smaller.

The loss of an image is its bits plus lmbda times its squared error, as in training. A pass over the
tokens takes the gradient of the error through the synthesis transform, and the mixtures of all
tokens as they are; then each symbol decides for itself whether a step up or down pays:

    slope * step + curvature  +  bits(symbol + step) - bits(symbol)  <  0

Others move at the same time, and so may go too far together, which the next pass mends. So early
passes are bold and count a share of the curvature alone; the last ones count all of it. The decoder
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
from .config import STRIDE, ModelConfig
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


class Mover:
    """A coder that codes nothing: it gives back symbols that are better for the image."""

    def __init__(self, parts: Iterator[tuple[NDArray, NDArray]]) -> None:
        """`parts` are the slopes and curvatures (n,) of the symbols of each call, in bits."""
        self.parts = parts

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """The symbols (n,), moved."""
        assert symbols is not None
        if not len(symbols):  # other windows of the batch have more groups
            return symbols
        slopes, curvatures = next(self.parts)
        # A zero that the error does not move is hardly ever moved by the rate.
        some = np.flatnonzero((np.abs(slopes) > curvatures) | (symbols != 0))
        moved = symbols.copy()
        moved[some] += best_steps(symbols[some], mixture.rows(some), slopes[some], curvatures[some])
        return moved

    def finish(self) -> None:
        """Nothing."""


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


def parts_of(
    config: ModelConfig, window: Window, slopes: Slopes, curvatures: NDArray
) -> Iterator[tuple[NDArray, NDArray]]:
    """Slopes and curvatures of a window's symbols, block by block as they are coded."""
    own = slopes[window.rows, window.columns].reshape(-1, slopes.shape[2])
    schedule = build(config.schedule, window.height, window.width)
    for part in schedule.slices:
        rows = schedule.order[part]
        for channels in config.slices:
            block = own[rows, channels]
            yield block.ravel(), np.broadcast_to(curvatures[channels], block.shape).ravel()


def refine(
    codec: "Codec",
    rgb: NDArray[np.uint8],
    y_hat: Latents,
    quality: int,
    effort: int = DEFAULT_EFFORT,
    meter: Meter | None = None,
) -> Latents:
    """Tokens (h, w, C) of the pixels (H, W, 3), moved to where error and rate are lower together.

    Those of an order that depends on them stay as they are.
    """
    if not CAUTION[effort] or codec.config.schedule.order == "entropy":
        return y_hat
    size, windows = y_hat.shape[:2], codec.windows(y_hat.shape[:2])
    weight = codec.config.rate.lmbda(quality) / 3  # of an error summed over pixels and colours
    curvatures = weight * codec.transforms.step_errors(codec.t(quality))[0].cpu().numpy()
    for share in CAUTION[effort]:
        slopes = weight * error_slopes(codec, rgb, y_hat, quality, meter)

        def open_mover(i: int, slopes: Slopes = slopes, share: float = share) -> Mover:
            return Mover(parts_of(codec.config, windows[i], slopes, share * curvatures))

        y_hat = codec.code(size, quality, open_mover, y_hat, meter).y_hat
    return y_hat


def error_slopes(
    codec: "Codec",
    rgb: NDArray[np.uint8],
    y_hat: Latents,
    quality: int,
    meter: Meter | None = None,
) -> Slopes:
    """Gradient of the squared error (0..255, summed) of the pixels that the tokens paint."""
    slopes = np.zeros(y_hat.shape, np.float32)
    for strip in codec.strips(*y_hat.shape[:2]):
        pixels = torch.tensor(rgb[strip.start * STRIDE : strip.stop * STRIDE])
        x = pixels.to(codec.device).permute(2, 0, 1).float() / 255
        y = torch.from_numpy(y_hat[strip.context]).to(codec.device, torch.float32)
        y = y.permute(2, 0, 1)[None].requires_grad_()
        with torch.enable_grad(), codec.autocast():
            x_hat = codec.transforms.synthesise(y, codec.t(quality))[0]
            x_hat = x_hat[:, strip.inner.start * STRIDE :][:, : x.shape[1], : x.shape[2]]
            error = (255 * (x_hat.clamp(0, 1) - x)).square().sum()
            (gradient,) = torch.autograd.grad(error, y)
        slopes[strip.context] += gradient[0].permute(1, 2, 0).cpu().numpy()
        if meter:
            meter.add((strip.stop - strip.start) * y_hat.shape[1])
    return slopes
