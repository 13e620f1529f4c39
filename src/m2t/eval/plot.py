"""Rate-distortion plot of results: `python -m m2t.eval.plot RESULT.json... --out FILE.svg`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .results import Curve, load_curve

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "svg.hashsalt": "m2t",  # the same picture, the same file
}


def plot(
    ours: Sequence[Curve], anchors: Sequence[Curve], bpp_max: float = 1.2, psnr_min: float = 25
) -> Figure:
    """PSNR over bits per pixel: anchors thin and coloured, ours black."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 4.6), layout="constrained")
        axes = figure.add_subplot()
        colours = mpl.color_sequences["tab10"]
        for curve, line in zip(ours, ("-", "--", ":", "-.") * len(ours), strict=False):
            axes.plot(
                *_xy(curve), f"o{line}", color="black", lw=2, ms=5, zorder=3, label=curve.codec
            )
        for curve, colour in zip(anchors, colours * len(anchors), strict=False):
            axes.plot(*_xy(curve), "o-", color=colour, lw=1, ms=2.5, label=curve.codec)
        shown = [p.psnr for curve in (*ours, *anchors) for p in curve.points if p.bpp <= bpp_max]
        axes.set(
            xlim=(0, bpp_max),
            ylim=(psnr_min, max(shown, default=psnr_min + 15) + 0.5),
            xlabel="bits per pixel",
            ylabel="PSNR (dB, RGB)",
            title=f"{(*ours, *anchors)[0].dataset}: mean over images",
        )
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _xy(curve: Curve) -> tuple[list[float], list[float]]:
    return [p.bpp for p in curve.points], [p.psnr for p in curve.points]


def main() -> None:
    """Plot results over anchors."""
    parser = argparse.ArgumentParser(prog="python -m m2t.eval.plot", description=main.__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="JSON files: ours")
    parser.add_argument("--anchors", type=Path, nargs="*", default=[], help="JSON files: theirs")
    parser.add_argument("--bpp-max", type=float, default=1.2)
    parser.add_argument("--psnr-min", type=float, default=25)
    parser.add_argument("--out", type=Path, required=True, help=".svg or .png")
    args = parser.parse_args()
    ours, anchors = ([load_curve(path) for path in paths] for paths in (args.results, args.anchors))
    figure = plot(ours, anchors, args.bpp_max, args.psnr_min)
    metadata = {"Date": None} if args.out.suffix == ".svg" else None
    figure.savefig(args.out, dpi=160, metadata=metadata)


if __name__ == "__main__":
    main()
