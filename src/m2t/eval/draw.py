"""The pictures of an evaluation, as files beside its results."""

from pathlib import Path

from matplotlib.figure import Figure

from .evaluate import Evaluation
from .judges import METRICS
from .plot import plot_bars, plot_rates, plot_speed, save_figure

CAPTIONS = {
    **{name: f"{metric.label} over bits per pixel" for name, metric in METRICS.items()},
    **{f"bd_rate_{name}": f"BD-rate by {metric.label}" for name, metric in METRICS.items()},
    "speed": "File size against decoding time",
}
"""By the names of the files."""


def draw(found: Evaluation) -> list[Path]:
    """Write the plots that the results suffice for, and return their paths."""
    ours, out = found.first.curve, found.options.out
    others = [result.curve for result in found.others.values()]
    figures: dict[str, Figure] = {}
    for metric in METRICS:
        if all(getattr(point, metric) is not None for point in ours.points):
            figures[metric] = plot_rates(ours, others, metric)
    published = {name for name, result in found.others.items() if result.curve.published}
    for metric in dict.fromkeys((found.leading, "psnr")):  # of published curves, most know PSNR
        entries = found.entries(metric)
        if entries:
            figures[f"bd_rate_{metric}"] = plot_bars(ours, entries, published)
    seconds, rates = _speed(found)
    if len(rates) > 1:
        figures["speed"] = plot_speed(ours.codec, seconds, rates, found.leading)
    for name, figure in figures.items():
        save_figure(figure, out / f"{name}.svg")
    return [out / f"{name}.svg" for name in figures]


def _speed(found: Evaluation) -> tuple[dict[str, float], dict[str, float]]:
    """Label -> mean seconds to decode, and -> percent of rate over ours, where both are known."""
    ours = found.first.curve
    rates = {ours.codec: 0.0}
    for entry in found.entries(found.leading):
        if entry.codec != ours.codec:  # other results of the same codec, perhaps
            rates[entry.codec] = 100 * (1 / (1 + entry.percent / 100) - 1)
    seconds = {}
    for curve in (ours, *(result.curve for result in found.others.values())):
        times = [point.decode_seconds for point in curve.points]
        known = [t for t in times if t is not None]
        if known and curve.codec not in seconds:
            seconds[curve.codec] = sum(known) / len(known)
    both = [label for label in rates if label in seconds]
    return {label: seconds[label] for label in both}, {label: rates[label] for label in both}
