"""The pictures of an evaluation, as files beside its results."""

from pathlib import Path

from .evaluate import Evaluation
from .plot import plot_bars, plot_rates, plot_speed, save_figure

CAPTIONS = {
    "psnr": "PSNR over bits per pixel",
    "ms_ssim": "MS-SSIM over bits per pixel",
    "bd_rate": "BD-rate against each other codec",
    "speed": "File size against decoding time",
}
"""By the names of the files."""


def draw(found: Evaluation) -> list[Path]:
    """Write the plots that the results suffice for, and return their paths."""
    ours, out = found.first.curve, found.options.out
    others = [result.curve for result in found.others.values()]
    figures = {"psnr": plot_rates(ours, others)}
    if all(point.ms_ssim is not None for point in ours.points):
        figures["ms_ssim"] = plot_rates(ours, others, "ms_ssim")
    entries = found.main_entries
    if entries:
        published = {name for name, result in found.others.items() if result.curve.published}
        figures["bd_rate"] = plot_bars(ours, entries, published)
    seconds, rates = _speed(found)
    if len(rates) > 1:
        figures["speed"] = plot_speed(ours.codec, seconds, rates)
    for name, figure in figures.items():
        save_figure(figure, out / f"{name}.svg")
    return [out / f"{name}.svg" for name in figures]


def _speed(found: Evaluation) -> tuple[dict[str, float], dict[str, float]]:
    """Label -> mean seconds to decode, and -> percent of rate over ours, where both are known."""
    ours = found.first.curve
    rates = {ours.codec: 0.0}
    for entry in found.main_entries:
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
