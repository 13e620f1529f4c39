"""docs/results.md, from what is in results/: `python -m m2t.experiments.report`."""

import argparse
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from ..eval.results import load_record
from ..eval.table import markdown, percent, tables
from .draw import draw_schedules
from .findings import FINDINGS


def main() -> None:
    """Write docs/results.md and the picture of figure 5."""
    parser = argparse.ArgumentParser(
        prog="python -m m2t.experiments.report", description=main.__doc__
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
    template = files("m2t.experiments").joinpath("results.md").read_text()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
    facts = {**kodak(results), **experiments(results, scale)}
    return environment.from_string(template).render(facts).rstrip() + "\n"


def kodak(results: Path) -> dict[str, Any]:
    """Tables of m2t, and of all codecs that were measured."""
    ours = load_record(results / "kodak_light.json")
    anchors = {path.stem: load_record(path) for path in sorted((results / "anchors").glob("*"))}
    measured = {name: r for name, r in anchors.items() if r["source"].startswith("measured")}
    return {
        "tables": tables(ours),
        "times": codec_table(ours, measured),
        "measured": [tables(record)[0] for record in measured.values()],
    }


def codec_table(ours: dict[str, Any], others: dict[str, dict[str, Any]]) -> str:
    """Rate and seconds of each codec at about the quality of our middle point."""
    middle = ours["points"][len(ours["points"]) // 2]
    rates = {
        entry["anchor"]: percent(entry["percent"])
        for entry in ours["bd_rates"]
        if (entry["method"], entry["metric"]) == ("pchip", "psnr")
    }
    rows = []
    for name, record in {"": ours, **others}.items():
        point = min(record["points"], key=lambda p: abs(p["psnr"] - middle["psnr"]))
        cells = (f"{point['bpp']:.3f}", f"{point['psnr']:.2f}")
        seconds = (f"{point[f'{way}_seconds']:.3f}" for way in ("encode", "decode"))
        rows.append((record["codec"], rates.get(name, "–"), *cells, *seconds))
    head = ("codec", "m2t's BD-rate to it", "bpp", "PSNR (dB)", "encode (s)", "decode (s)")
    return markdown(head, rows)


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
