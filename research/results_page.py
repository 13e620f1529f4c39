"""docs/results.md, from what is in results/: `python -m research.results_page`."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2

from m2t.eval.judges import METRICS, MetricName
from m2t.eval.results import load_record
from m2t.eval.table import COLUMNS, bd_columns, cell, columns_of, markdown, rate_cell, tables

from .paper.figure5 import draw_schedules
from .paper.findings import FINDINGS

TEMPLATE = Path(__file__).with_suffix(".md.jinja")


def main() -> None:
    """Write docs/results.md and the picture of figure 5."""
    parser = argparse.ArgumentParser(
        prog="python -m research.results_page", description=main.__doc__
    )
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--scale", default="small", help="of the experiments")
    parser.add_argument("--out", type=Path, default=Path("docs/results.md"))
    args = parser.parse_args()
    path = args.results / "experiments" / f"figure5_{args.scale}.json"
    if path.exists():
        draw_schedules(json.loads(path.read_text())["rows"], path.with_suffix(".svg"))
    args.out.write_text(page(args.results, args.scale))


def page(results: Path, scale: str) -> str:
    """The whole page, in markdown."""
    template = TEMPLATE.read_text()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
    facts = {**kodak(results), **experiments(results, scale)}
    return environment.from_string(template).render(facts).rstrip() + "\n"


def kodak(results: Path) -> dict[str, Any]:
    """Tables of m2t, and of all codecs that were measured."""
    ours = load_record(results / "kodak_light.json")
    anchors = {path.stem: load_record(path) for path in sorted((results / "anchors").glob("*"))}
    measured = {name: r for name, r in anchors.items() if r["source"].startswith("measured")}
    metric = leading_metric([ours, *measured.values()])
    return {
        "tables": tables(ours),
        "psnr_tables": tables(load_record(results / "kodak_light_psnr.json")),
        "times": codec_table(ours, measured, metric),
        "time_metric": METRICS[metric].label,
        "measured": [tables(record)[0] for record in measured.values()],
    }


def codec_table(ours: dict[str, Any], others: dict[str, dict[str, Any]], metric: MetricName) -> str:
    """Rate and seconds of each codec at about the quality of our middle point, by `metric`."""
    middle = ours["points"][len(ours["points"]) // 2]
    heads, rates = bd_columns(ours, metrics=("ssimulacra2", "psnr"))
    points = {
        name: min(record["points"], key=lambda p: abs(p[metric] - middle[metric]))
        for name, record in {"": ours, **others}.items()
    }
    shown = ("bpp", "ssimulacra2", "psnr", "encode_seconds", "decode_seconds")
    names = [name for name in columns_of(points.values()) if name in shown]
    rows = []
    for name, point in points.items():
        label = others[name]["codec"] if name else ours["codec"]
        cells = map(rate_cell, rates.get(name, [None] * len(heads)))
        rows.append((label, *cells, *(cell(point, name) for name in names)))
    by = (f"m2t's BD-rate to it by {head}" for head in heads)
    return markdown(("codec", *by, *(COLUMNS[name][0] for name in names)), rows)


def leading_metric(records: Iterable[dict[str, Any]]) -> MetricName:
    """SSIMULACRA2, where all points of all records have it; PSNR otherwise."""
    points = (point for record in records for point in record["points"])
    return "ssimulacra2" if all("ssimulacra2" in point for point in points) else "psnr"


def experiments(results: Path, scale: str) -> dict[str, Any]:
    """What each experiment asks, found, and whether the paper found it too."""
    paths = {name: results / "experiments" / f"{name}_{scale}.json" for name in FINDINGS}
    records = {n: json.loads(path.read_text()) for n, path in paths.items() if path.exists()}
    if not records:
        return {"experiments": []}
    first, *_ = records.values()
    found = []
    for name, record in records.items():
        finding, rows = FINDINGS[name], record["rows"]
        table = finding.table(rows)
        if name == "figure5":
            table = f"![Rate over steps](../results/experiments/figure5_{scale}.svg)\n\n{table}"
        found.append((finding.title, finding, table, finding.verdict(rows)))
    return {
        "experiments": found,
        "scale": scale,
        "quality": first["quality"],
        "lmbda": first["lmbda"],
        "parameters": first["rows"][0]["parameters"],
        "steps": f"{first['train']['total_steps']:,}",
        "batch_tokens": f"{first['train']['batch_tokens']:,}",
    }


if __name__ == "__main__":
    main()
