"""Results as markdown tables: `python -m m2t.eval.table results/kodak_light.json`."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .bdrate import Method, bd_rate
from .results import Curve, load_curve, load_record


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; all columns but the first are aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *rows])


COLUMNS = {
    "bpp": ("bpp", "{:.3f}"),
    "psnr": ("PSNR (dB)", "{:.2f}"),
    "psnr_y": ("PSNR-Y (dB)", "{:.2f}"),
    "ms_ssim": ("MS-SSIM", "{:.4f}"),
    "ssimulacra2": ("SSIMULACRA2", "{:.1f}"),
    "encode_seconds": ("encode (s)", "{:.3f}"),
    "decode_seconds": ("decode (s)", "{:.3f}"),
}
"""A point's fields: how they are called in tables, and written."""


def rate_table(record: dict[str, Any]) -> str:
    """Settings, rates and metrics of one result; metrics that all its points have."""
    points = record["points"]
    columns = {name: COLUMNS[name] for name in COLUMNS if all(name in p for p in points)}
    rows = [
        (p["param"], *(form.format(p[name]) for name, (_, form) in columns.items())) for p in points
    ]
    return markdown((record["codec"], *(head for head, _ in columns.values())), rows)


def percent(value: float) -> str:
    """A difference in rate, such as "−12.3 %"."""
    return f"{value:+.1f} %".replace("-", "−")


def bd_table(record: dict[str, Any], method: str = "pchip", metric: str = "psnr") -> str:
    """BD-rates of one result against its anchors, lowest first."""
    wanted = (method, metric)
    entries = [e for e in record.get("bd_rates", ()) if (e["method"], e["metric"]) == wanted]
    rows = [
        (entry["codec"], percent(entry["percent"]), f"{entry['low']:.1f} to {entry['high']:.1f}")
        for entry in sorted(entries, key=lambda entry: entry["percent"])
    ]
    name, _ = COLUMNS[metric]
    return markdown(("compared with", "BD-rate", f"over {name.removesuffix(' (dB)')} (dB)"), rows)


def against(curves: Sequence[Curve], anchor: Curve, method: Method = "pchip") -> str:
    """BD-rates of some curves to one, and mean seconds."""
    rows = []
    for curve in curves:
        rate = bd_rate(anchor.points, curve.points, method).percent
        seconds = (
            [getattr(point, name) for point in curve.points]
            for name in ("encode_seconds", "decode_seconds")
        )
        means = ("" if None in times else f"{sum(times) / len(times):.3f}" for times in seconds)
        rows.append((curve.codec, percent(rate), *means))
    return markdown((f"compared with {anchor.codec}", "BD-rate", "encode (s)", "decode (s)"), rows)


def tables(record: dict[str, Any], method: str = "pchip") -> list[str]:
    """All tables of one result."""
    metrics = {entry["metric"]: None for entry in record.get("bd_rates", ())}
    return [rate_table(record), *(bd_table(record, method, metric) for metric in metrics)]


def main() -> None:
    """Print the tables of results."""
    parser = argparse.ArgumentParser(prog="python -m m2t.eval.table", description=main.__doc__)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--method", choices=("pchip", "cubic"), default="pchip")
    parser.add_argument("--against", type=Path, help="Compare all of them with this result.")
    args = parser.parse_args()
    if args.against:
        curves = [load_curve(path) for path in args.results]
        print(against(curves, load_curve(args.against), args.method))
        return
    for path in args.results:
        for table in tables(load_record(path), args.method):
            print(table, end="\n\n")


if __name__ == "__main__":
    main()
