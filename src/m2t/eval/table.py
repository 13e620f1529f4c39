"""Results as markdown tables: `python -m m2t.eval.table results/kodak_light.json`."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .results import load_record


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; all columns but the first are aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *rows])


def rate_table(record: dict[str, Any]) -> str:
    """Settings, rates and PSNR of one result."""
    rows = [(p["param"], f"{p['bpp']:.3f}", f"{p['psnr']:.2f}") for p in record["points"]]
    return markdown((record["codec"], "bpp", "PSNR (dB)"), rows)


def bd_table(record: dict[str, Any], method: str = "pchip") -> str:
    """BD-rates of one result against its anchors, lowest first."""
    entries = [entry for entry in record.get("bd_rates", ()) if entry["method"] == method]
    rows = [
        (
            entry["codec"],
            f"{entry['percent']:+.1f} %".replace("-", "−"),
            f"{entry['psnr_min']:.1f} to {entry['psnr_max']:.1f}",
        )
        for entry in sorted(entries, key=lambda entry: entry["percent"])
    ]
    return markdown(("compared with", "BD-rate", "over PSNR (dB)"), rows)


def main() -> None:
    """Print the tables of results."""
    parser = argparse.ArgumentParser(prog="python -m m2t.eval.table", description=main.__doc__)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--method", choices=("pchip", "cubic"), default="pchip")
    args = parser.parse_args()
    for path in args.results:
        record = load_record(path)
        print(rate_table(record), end="\n\n")
        if record.get("bd_rates"):
            print(bd_table(record, args.method), end="\n\n")


if __name__ == "__main__":
    main()
