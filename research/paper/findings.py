"""What each experiment asks, what the paper found, and what its rows here say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from m2t.eval.table import markdown, percent

from .cases import Order

Row = dict[str, Any]
"""One case of an experiment, as in its JSON file."""
NOISE = 0.5
"""Percent: what two trainings of one model may differ by at this scale."""
SMALL = 5
"""Percent: more would be no small loss."""


@dataclass(frozen=True)
class Finding:
    """One experiment in words."""

    title: str
    question: str
    paper: str
    table: Callable[[Sequence[Row]], str]
    verdict: Callable[[Sequence[Row]], str]


def change(row: Row, base: Row) -> float:
    """Percent of rate over the base."""
    return 100 * (row["bpp"] / base["bpp"] - 1)


def matching(rows: Sequence[Row], **wanted: Any) -> list[Row]:
    """The rows of these properties."""
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def only(rows: Sequence[Row], **wanted: Any) -> Row:
    """The row of these properties."""
    (row,) = matching(rows, **wanted)
    return row


def compared(row: Row, base: Row) -> str:
    """Such as "2.9 % less than"."""
    found = change(row, base)
    return f"{abs(found):.1f} % {'more' if found > 0 else 'less'} than"


def agrees(yes: bool, what: str) -> str:
    """A verdict: whether the paper's finding holds here."""
    return f"{'Agrees' if yes else 'Does not agree'}: {what}."


# Table 1


def _table1_table(rows: Sequence[Row]) -> str:
    names = [f"MT, C={row['channels']}, {row['mixtures']} mixtures" for row in rows]
    cells = [
        (name, f"{row['bpp']:.4f}", f"{row['mse']:.2f}", percent(row["percent"]))
        for name, row in zip(names, rows, strict=True)
    ]
    return markdown(("", "bpp", "MSE", "rate and error as a rate"), cells)


def _table1_verdict(rows: Sequence[Row]) -> str:
    _, single, wide = rows
    first = agrees(
        single["percent"] > NOISE, f"one mixture costs {single['percent']:.1f} % of rate"
    )
    verb = "cost" if wide["percent"] > 0 else "save"
    second = agrees(
        wide["percent"] > NOISE, f"more channels {verb} {abs(wide['percent']):.1f} % of rate"
    )
    return (
        f"{first} {second} Here the channels of one transform are cut off, ordered by variance; "
        "the paper trains a transform for each number of them."
    )


# Figure 5

ORDERS = get_args(Order)


def _figure5_table(rows: Sequence[Row]) -> str:
    base = only(rows, order="qlds", alpha=2.2, steps=12)
    steps = sorted({row["steps"] for row in rows})
    alphas = sorted({row["alpha"] for row in rows})
    cells = [
        (
            f"{order}, alpha {alpha:g}",
            *(percent(change(only(rows, order=order, alpha=alpha, steps=s), base)) for s in steps),
        )
        for order in ORDERS
        for alpha in alphas
    ]
    return markdown((f"rate over {base['bpp']:.4f} bpp", *(f"S={s}" for s in steps)), cells)


def _schedule(row: Row) -> str:
    return f"{row['order']}, alpha {row['alpha']:g}, S={row['steps']}"


def _figure5_verdict(rows: Sequence[Row]) -> str:
    by_rate = sorted(rows, key=lambda row: row["bpp"])
    fixed = next(row for row in by_rate if row["order"] != "entropy")
    adaptive = next(row for row in by_rate if row["order"] == "entropy")
    first = agrees(
        change(fixed, adaptive) < NOISE,
        f"the best fixed schedule ({_schedule(fixed)}) takes {compared(fixed, adaptive)} the best "
        f"adaptive one ({_schedule(adaptive)})",
    )
    even, slow, slower = (
        only(rows, order="qlds", alpha=alpha, steps=12) for alpha in (1.0, 2.2, 3.0)
    )
    second = agrees(
        change(slow, even) < 0 and change(slower, slow) > -NOISE,
        f"with QLDS and 12 steps, alpha 2.2 takes {compared(slow, even)} alpha 1, and alpha 3 "
        f"{compared(slower, slow)} 2.2",
    )
    eight = only(rows, order="qlds", alpha=2.2, steps=8)
    third = agrees(
        abs(change(slow, eight)) < 2 * NOISE,
        f"12 steps take {compared(slow, eight)} 8",
    )
    return f"{first} {second} {third}"


# MT against M2T


def _masking_table(rows: Sequence[Row]) -> str:
    cells = []
    for steps in sorted({row["steps"] for row in rows}):
        mt, m2t = (only(rows, masking=kind, steps=steps) for kind in ("mt", "m2t"))
        cells.append(
            (
                str(steps),
                f"{mt['bpp']:.4f}",
                f"{m2t['bpp']:.4f}",
                percent(change(m2t, mt)),
                f"{mt['network_seconds']:.3f}",
                f"{m2t['network_seconds']:.3f}",
                f"{mt['network_seconds'] / m2t['network_seconds']:.1f}",
            )
        )
    head = ("S", "MT (bpp)", "M2T (bpp)", "M2T over MT", "MT (s)", "M2T (s)", "times as fast")
    return markdown(head, cells)


def _masking_verdict(rows: Sequence[Row]) -> str:
    steps = sorted({row["steps"] for row in rows})
    pairs = [[only(rows, masking=kind, steps=s) for kind in ("m2t", "mt")] for s in steps]
    told = ", ".join(
        f"{compared(m2t, mt).removesuffix(' than')} at S={s}"
        for s, (m2t, mt) in zip(steps, pairs, strict=True)
    )
    return (
        agrees(change(*pairs[-1]) < SMALL, f"at equal training M2T takes {told}")
        + " M2T is trained for its schedule, MT for any share of known tokens, and hardly for the "
        "large first group of S=2. Seconds are those of the network in PyTorch, for one image; "
        "those of the integer network that decodes files are in `results/masking_light.json`."
    )


# Extremes


def _extreme_name(row: Row) -> str:
    tokens = row["window"] ** 2
    if row["steps"] == 1:
        return "all at once"
    if row["steps"] == tokens:
        return f"one by one, {row['order']}"
    return f"{row['steps']} steps, {row['order']}, alpha {row['alpha']:g}"


def _extremes_table(rows: Sequence[Row]) -> str:
    base = only(rows, steps=12)
    cells = [(_extreme_name(r), f"{r['bpp']:.4f}", percent(change(r, base))) for r in rows]
    side = rows[0]["window"]
    return markdown((f"M2T, windows of {side}x{side}", "bpp", "over 12 steps"), cells)


def _extremes_verdict(rows: Sequence[Row]) -> str:
    base, once = only(rows, steps=12), only(rows, steps=1)
    last = min((r for r in rows if r["steps"] == 64), key=lambda row: row["bpp"])
    return (
        f"12 steps take {compared(base, once)} tokens coded all at once; one token at a time, in "
        f"the better of two orders, takes {compared(last, base)} 12 steps."
    )


# Mixtures and windows


def _mixtures_table(rows: Sequence[Row]) -> str:
    cells = [(str(r["mixtures"]), f"{r['bpp']:.4f}", percent(change(r, rows[0]))) for r in rows]
    return markdown(("Gaussians", "bpp", "over one"), cells)


def _mixtures_verdict(rows: Sequence[Row]) -> str:
    one, two, three = rows
    return agrees(
        change(three, one) < -NOISE,
        f"three take {compared(three, one)} one, two {compared(two, one)} one",
    )


def _windows_table(rows: Sequence[Row]) -> str:
    base = rows[-1]
    cells = [
        (f"{r['window']}x{r['window']}", f"{r['bpp']:.4f}", percent(change(r, base))) for r in rows
    ]
    return markdown(("window", "bpp", f"over {base['window']}x{base['window']}"), cells)


def _windows_verdict(rows: Sequence[Row]) -> str:
    small, *_, large = rows
    told = (
        f"Windows of {small['window']}x{small['window']} tokens take "
        f"{compared(small, large)} those of {large['window']}x{large['window']}."
    )
    if change(small, large) < 0:
        told += (
            " What small windows lose in context they win in training: they have fewer places, "
            "each of which the model has to learn by itself, and see each of them more often. It "
            "takes longer training for the large ones to pay."
        )
    return told


FINDINGS = {
    "table1": Finding(
        "Table 1: mixtures and channels",
        "What do three mixtures and 192 channels gain?",
        "One mixture costs 3.65 points of BD-rate, 320 channels 3.3.",
        _table1_table,
        _table1_verdict,
    ),
    "figure5": Finding(
        "Figure 5: schedules",
        "Does a schedule that adapts to the image beat a fixed one? How fast may groups grow, and "
        "how many does it take?",
        "No: QLDS is as good or better. The gain saturates near alpha 2.2 and S=8.",
        _figure5_table,
        _figure5_verdict,
    ),
    "masking": Finding(
        "MT against M2T",
        "What does masking attention cost in rate, and gain in time?",
        "A small reduction in rate-distortion, 2.7 to 5.2 times as fast.",
        _masking_table,
        _masking_verdict,
    ),
    "extremes": Finding(
        "One step, and one token at a time",
        "How far are a dozen steps from the two extremes?",
        "Not evaluated: one token at a time is impractically slow on windows of 24x24.",
        _extremes_table,
        _extremes_verdict,
    ),
    "mixtures": Finding(
        "Number of mixtures",
        "How many Gaussians does a channel need?",
        "Three beat one.",
        _mixtures_table,
        _mixtures_verdict,
    ),
    "windows": Finding(
        "Size of windows",
        "How much does attention gain from afar?",
        "Not evaluated; windows are as large as the training crops, 24x24.",
        _windows_table,
        _windows_verdict,
    ),
}
