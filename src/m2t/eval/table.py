"""Results as markdown tables: `python -m m2t.eval.table results/kodak_light.json`."""

import argparse
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .bdrate import Method, bd_rate
from .compare import COMPARED
from .judges import METRICS, MetricName
from .results import Curve, load_curve, load_record


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; all columns but the first are aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *rows])


NONE = "–"
"""What is not known."""
_OF_METRICS = {name: (metric.head, metric.form) for name, metric in METRICS.items()}
COLUMNS = {
    "bpp": ("bpp", "{:.3f}"),
    "ssimulacra2": _OF_METRICS["ssimulacra2"],
    "psnr": _OF_METRICS["psnr"],
    "psnr_y": ("PSNR-Y (dB)", "{:.2f}"),
    **_OF_METRICS,
    "encode_seconds": ("encode (s)", "{:.3f}"),
    "decode_seconds": ("decode (s)", "{:.3f}"),
}
"""A point's fields: how they are called in tables, and written."""


def columns_of(points: Iterable[Mapping[str, Any]]) -> list[str]:
    """The fields that any of the points has, in the order of tables."""
    known = {name for point in points for name, value in point.items() if value is not None}
    return [name for name in COLUMNS if name in known]


def cell(point: Mapping[str, Any], name: str) -> str:
    """One field of a point, or a dash."""
    value = point.get(name)
    return NONE if value is None else COLUMNS[name][1].format(value)


def rate_table(record: dict[str, Any]) -> str:
    """Settings, rates and metrics of one result."""
    points = record["points"]
    names = columns_of(points)
    rows = [(point["param"], *(cell(point, name) for name in names)) for point in points]
    return markdown((record["codec"], *(COLUMNS[name][0] for name in names)), rows)


def percent(value: float) -> str:
    """A difference in rate, such as "−12.3 %"."""
    return f"{value:+.1f} %".replace("-", "−")


def bd_table(
    record: dict[str, Any],
    method: str = "pchip",
    metric: MetricName = "psnr",
    floor: float | None = None,
) -> str:
    """BD-rates of one result against its anchors by one metric, lowest first."""
    entries = _entries(record, method).get((metric, floor), ())
    rows = [
        (entry["codec"], percent(entry["percent"]), f"{entry['low']:.1f} to {entry['high']:.1f}")
        for entry in sorted(entries, key=lambda entry: entry["percent"])
    ]
    return markdown(("compared with", "BD-rate", f"over {METRICS[metric].axis_label}"), rows)


def bd_columns(
    record: dict[str, Any], method: str = "pchip", metrics: Collection[MetricName] = tuple(METRICS)
) -> tuple[list[str], dict[str, list[float | None]]]:
    """What the BD-rates of one result are by, and anchor -> those in percent; None: there is none.

    In the order of COMPARED, of some `metrics`.
    """
    found = _entries(record, method)
    asked = [key for key in COMPARED if key in found and key[0] in metrics]
    heads = [
        METRICS[name].label + (f" from {floor:g} up" if floor is not None else "")
        for name, floor in asked
    ]
    rates: dict[str, list[float | None]] = {}
    for i, key in enumerate(asked):
        for entry in found[key]:
            rates.setdefault(entry["anchor"], [None] * len(asked))[i] = entry["percent"]
    return heads, rates


def rate_cell(value: float | None) -> str:
    """A difference in rate, or a dash."""
    return NONE if value is None else percent(value)


def summary_table(record: dict[str, Any], method: str = "pchip") -> str:
    """BD-rates of one result to each other codec, by every metric; lowest first."""
    heads, rates = bd_columns(record, method)
    labels = {entry["anchor"]: entry["codec"] for entry in record.get("bd_rates", ())}
    ranked = sorted(rates.items(), key=lambda item: [math.inf if v is None else v for v in item[1]])
    rows = [(labels[anchor], *map(rate_cell, values)) for anchor, values in ranked]
    return markdown((f"BD-rate of {record['codec']} to", *(f"by {head}" for head in heads)), rows)


def _entries(
    record: dict[str, Any], method: str
) -> dict[tuple[MetricName, float | None], list[dict[str, Any]]]:
    """(metric, floor) -> the comparisons by it."""
    found: dict[tuple[MetricName, float | None], list[dict[str, Any]]] = {}
    for entry in record.get("bd_rates", ()):
        if entry["method"] == method:
            found.setdefault((entry["metric"], entry.get("floor")), []).append(entry)
    return found


def against(
    curves: Sequence[Curve],
    anchor: Curve,
    method: Method = "pchip",
    metric: MetricName = "psnr",
    floor: float | None = None,
) -> str:
    """BD-rates of some curves to one, and mean seconds."""
    rows = []
    for curve in curves:
        rate = bd_rate(anchor.points, curve.points, method, metric, floor).percent
        seconds = (
            [getattr(point, name) for point in curve.points]
            for name in ("encode_seconds", "decode_seconds")
        )
        means = ("" if None in times else f"{sum(times) / len(times):.3f}" for times in seconds)
        rows.append((curve.codec, percent(rate), *means))
    return markdown((f"compared with {anchor.codec}", "BD-rate", "encode (s)", "decode (s)"), rows)


def tables(record: dict[str, Any], method: str = "pchip") -> list[str]:
    """All tables of one result."""
    asked = [key for key in COMPARED if key in _entries(record, method)]
    summary = [summary_table(record, method)] if asked else []
    return [rate_table(record), *summary, *(bd_table(record, method, *key) for key in asked)]


def main() -> None:
    """Print the tables of results."""
    parser = argparse.ArgumentParser(prog="python -m m2t.eval.table", description=main.__doc__)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--method", choices=("pchip", "cubic"), default="pchip")
    parser.add_argument("--against", type=Path, help="Compare all of them with this result,")
    parser.add_argument("--metric", choices=METRICS, default="psnr", help="by this metric,")
    parser.add_argument("--from", type=float, dest="floor", help="over its values from this up.")
    args = parser.parse_args()
    if args.against:
        curves = [load_curve(path) for path in args.results]
        anchor = load_curve(args.against)
        print(against(curves, anchor, args.method, args.metric, args.floor))
        return
    for path in args.results:
        for table in tables(load_record(path), args.method):
            print(table, end="\n\n")


if __name__ == "__main__":
    main()
