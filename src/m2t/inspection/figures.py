"""Plots of what is inside a file, as PNGs. Needs matplotlib, of the extra `eval`."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ..config import STRIDE
from ..eval.plot import STYLE
from .inside import Inside, Pixels

WIDTH = 6.0
"""Inches: narrow, so that a phone's screen still shows letters that can be read."""
DPI = 160
COST_MAP, STEP_MAP = "inferno", "viridis"
"""Colours whose lightness rises evenly, which colour-blind eyes see as well."""


def bits_map(inside: Inside) -> bytes:
    """What each token costs, over the image; colours end at the costliest half percent."""
    bits = inside.bits.sum(2)
    most = float(np.quantile(bits, 0.995))
    return _map(
        inside.image,
        bits,
        label="bits per token of 16x16 pixels",
        extend="max" if bits.max() > most else "neither",
        cmap=COST_MAP,
        norm=Normalize(0, most),
        alpha=0.75,
    )


def order_map(inside: Inside) -> bytes:
    """After which step each token is known."""
    num_steps = inside.num_groups
    return _map(
        inside.image,
        inside.groups + 1,
        label="known after step",
        ticks=np.unique(np.linspace(1, num_steps, min(num_steps, 12)).round()),
        cmap=mpl.colormaps[STEP_MAP].resampled(num_steps),
        norm=BoundaryNorm(np.arange(num_steps + 1) + 0.5, num_steps),
    )


def per_channel(bits: NDArray, slices: Sequence[slice]) -> bytes:
    """Mean bits (C,) of a token's channels as they are stored, slices shaded."""
    figure, axes = _plot("channel", "bits per token")
    axes.step(np.arange(len(bits)), bits, where="mid", color="black", lw=0.8)
    for channels in slices[::2]:
        axes.axvspan(channels.start - 0.5, channels.stop - 0.5, color="tab:blue", alpha=0.15, lw=0)
    axes.set(yscale="log", xlim=(-0.5, len(bits) - 0.5))
    return _png(figure)


def per_step(kilobits: NDArray, num_tokens: NDArray) -> bytes:
    """What the tokens that each step uncovers cost: (S,) in all, and each of them on average."""
    figure, axes = _plot("step", "kilobits in all (bars)")
    steps = np.arange(1, len(kilobits) + 1)
    axes.bar(steps, kilobits, color="tab:blue", alpha=0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    mean = axes.twinx()
    mean.plot(steps, 1000 * kilobits / num_tokens.clip(1), "o-", color="black", ms=4)
    mean.set(ylim=(0, None), ylabel="bits per token (line)")
    mean.grid(visible=False)
    return _png(figure)


def progress(kilobits: Sequence[float], curves: Mapping[str, Sequence[float | None]]) -> bytes:
    """PSNR over the bits spent, after each step; None where images are equal."""
    figure, axes = _plot("kilobits spent", "PSNR (dB)")
    for (label, values), style in zip(curves.items(), ("o-", "s-", "o--", "s--"), strict=False):
        colour = "tab:blue" if style[0] == "o" else "tab:orange"
        finite = [np.nan if value is None else value for value in values]
        axes.plot(kilobits, finite, style, color=colour, ms=4, label=label)
    axes.legend(frameon=False, loc="upper left")
    return _png(figure)


def _map(
    image: Pixels,
    values: NDArray,
    *,
    label: str,
    extend: str = "neither",
    ticks: NDArray | None = None,
    **style: Any,
) -> bytes:
    """Values of tokens (h, w) as colours over the image (H, W, 3), and their scale below it."""
    height, width = image.shape[:2]
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, WIDTH * min(height / width, 2) + 0.7), DPI, layout="constrained")
        axes = figure.add_subplot()
    # The image is faint, around the middle grey behind the scale, whose colours so stay true.
    faint = 0.2 + 0.6 * image.mean(2) / 255
    axes.imshow(faint, "gray", vmin=0, vmax=1, extent=(0, width, height, 0))
    extent = (0, values.shape[1] * STRIDE, values.shape[0] * STRIDE, 0)
    shown = axes.imshow(values, extent=extent, **style)
    axes.set(xlim=(0, width), ylim=(height, 0))  # tokens may reach beyond the image
    axes.set_axis_off()
    place = {"location": "bottom", "aspect": 40, "pad": 0.02}
    scale = figure.colorbar(shown, ticks=ticks, label=label, extend=extend, **place)
    scale.ax.set_facecolor("0.5")
    return _png(figure)


def _plot(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, 3.4), DPI, layout="constrained")
        axes = figure.add_subplot()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="png")
    return buffer.getvalue()
