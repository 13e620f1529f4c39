"""The pictures: quality over rate, BD-rates as bars, rate over decoding time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from .bdrate import quality
from .compare import Comparison
from .judges import METRICS, MetricName
from .results import Curve
from .table import percent

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "svg.hashsalt": "m2t",  # the same picture, the same file
}
WIDTH = 5.6
"""Inches: narrow, so that the text is legible on a phone."""
OURS, THEIRS, PUBLISHED = "black", "tab:blue", "0.6"


def plot_rates(
    ours: Curve, others: Sequence[Curve], metric: MetricName = "psnr", margin: float = 0.25
) -> Figure:
    """Quality over bits per pixel: ours black, what is measured solid, what is published dashed.

    The axes show what ours spans, and `margin` of that around it.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
        axes = figure.add_subplot()
        colours = mpl.color_sequences["tab10"] + mpl.color_sequences["Dark2"]
        shown = [curve for curve in others if _xy(curve, metric)[0]]
        for i, curve in enumerate(shown):
            style = "--" if curve.published else "o-"
            label = f"{curve.codec} (published)" if curve.published else curve.codec
            colour = colours[i % len(colours)]
            axes.plot(*_xy(curve, metric), style, color=colour, lw=1.2, ms=3, label=label)
        x, y = _xy(ours, metric)
        axes.plot(x, y, "o-", color=OURS, lw=2.2, ms=5, zorder=3, label=ours.codec)
        _frame(axes, x, y, margin)
        axes.set(xlabel="bits per pixel", ylabel=METRICS[metric].axis_label)
        axes.set_title(f"{ours.dataset}: mean over images", loc="left")
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(
            handles[-1:] + handles[:-1],
            labels[-1:] + labels[:-1],
            loc="outside lower left",
            ncols=2,
            frameon=False,
            fontsize=8,
        )
    return figure


def _frame(axes: Axes, x: list[float], y: list[float], margin: float) -> None:
    if len(x) > 1:
        axes.set_xlim(0, max(x) * (1 + margin / 2))
        space = margin * (max(y) - min(y))
        axes.set_ylim(min(y) - space, max(y) + space)


def _xy(curve: Curve, metric: MetricName) -> tuple[list[float], list[float]]:
    pairs = [(p.bpp, quality(p, metric)) for p in curve.points]
    known = [(rate, value) for rate, value in pairs if value is not None]
    return [rate for rate, _ in known], [value for _, value in known]


def plot_bars(ours: Curve, entries: Sequence[Comparison], published: set[str]) -> Figure:
    """BD-rate of ours against each other codec by one metric; those in `published` are grey."""
    entries = sorted(entries, key=lambda entry: -entry.percent)
    with mpl.rc_context({**STYLE, "axes.grid": False, "axes.spines.left": False}):
        figure = Figure(figsize=(WIDTH, 1.2 + 0.36 * len(entries)), layout="constrained")
        axes = figure.add_subplot()
        bars = axes.barh(
            [entry.codec for entry in entries],
            [entry.percent for entry in entries],
            color=[PUBLISHED if entry.anchor in published else THEIRS for entry in entries],
        )
        axes.bar_label(bars, [percent(entry.percent) for entry in entries], padding=3, fontsize=9)
        axes.axvline(0, color=OURS, lw=1)
        axes.tick_params(axis="y", length=0, labelsize=9)
        axes.margins(x=0.35)  # room for the labels at the bars' ends
        name = METRICS[entries[0].metric].label
        axes.set_xlabel(f"BD-rate by {name} in %; left of 0, ours is smaller")
        figure.suptitle(f"{ours.codec} against others; grey: published", fontsize=9)
    return figure


def plot_speed(
    ours: str, seconds: Mapping[str, float], rates: Mapping[str, float], metric: MetricName
) -> Figure:
    """File size relative to `ours`, in %, over seconds of decoding, for each codec's label.

    At equal quality by `metric`.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
        axes = figure.add_subplot(xscale="log")
        middle = (min(seconds.values()) * max(seconds.values())) ** 0.5
        heights = _apart(rates, 0.055 * (max(rates.values()) - min(rates.values())))
        for label in rates:
            colour = OURS if label == ours else THEIRS
            axes.plot(seconds[label], rates[label], "o", color=colour, ms=7)
            right = seconds[label] > middle
            axes.annotate(
                label,
                (seconds[label], rates[label]),
                xytext=(seconds[label] * (0.85 if right else 1.18), heights[label]),
                ha="right" if right else "left",
                va="center",
                fontsize=9,
            )
        # Wide enough for whole powers of ten, and for the labels.
        axes.set_xlim(min(seconds.values()) / 4, max(seconds.values()) * 4)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(y=0.12)
        axes.set(xlabel="seconds to decode an image, one thread", ylabel=f"file size over {ours}")
        axes.yaxis.set_major_formatter(lambda value, _: percent(value).replace(".0", ""))
        axes.set_title(
            f"down and left is better; equal {METRICS[metric].label}", loc="left", fontsize=9
        )
    return figure


def _apart(heights: Mapping[str, float], gap: float) -> dict[str, float]:
    """The same heights, the lower ones moved down until all are `gap` apart."""
    moved, last = {}, float("inf")
    for label in sorted(heights, key=lambda label: -heights[label]):
        last = moved[label] = min(heights[label], last - gap)
    return moved


def save_figure(figure: Figure, path: Path) -> None:
    """An SVG that is the same file for the same picture, or a PNG."""
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with mpl.rc_context(STYLE):  # its salt counts when the file is written
        figure.savefig(path, dpi=160, metadata=metadata)
