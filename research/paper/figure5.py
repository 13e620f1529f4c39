"""Figure 5 as a picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from m2t.eval.plot import STYLE, save_figure

from .findings import ORDERS, Row, matching


def draw_schedules(rows: Sequence[Row], path: Path) -> None:
    """Rate over the number of steps: along each order at one alpha, and by QLDS at each alpha."""
    alphas = sorted({row["alpha"] for row in rows})
    by_order = {order: {"order": order, "alpha": 2.2} for order in ORDERS}
    by_alpha = {f"alpha {alpha:g}": {"order": "qlds", "alpha": alpha} for alpha in alphas}
    panels = {"alpha 2.2": by_order, "qlds": by_alpha}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        for axes, (title, lines) in zip(
            figure.subplots(1, 2, sharey=True), panels.items(), strict=True
        ):
            for label, wanted in lines.items():
                points = [(row["steps"], row["bpp"]) for row in matching(rows, **wanted)]
                axes.plot(*zip(*sorted(points), strict=True), "o-", label=label, ms=4)
            axes.set_title(title, loc="left", fontsize=9)
            axes.set_xlabel("steps S")
            axes.set_xticks(sorted({row["steps"] for row in rows}))
            axes.legend(frameon=False, fontsize=8)
        figure.axes[0].set_ylabel("bits per pixel")
    save_figure(figure, path)
