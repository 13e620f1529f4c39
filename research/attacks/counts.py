"""Writes what libFuzzer told of each run, as JSON.

    python -m research.attacks.counts LOG ... --out results/fuzz.json

A log NAME.log is that of the target NAME, with -print_final_stats=1 (runs/fuzz.sh).
"""

import argparse
import re
from pathlib import Path

from m2t.eval.results import versions, write_record

STATS = {
    "executions": r"stat::number_of_executed_units:\s+(\d+)",
    "megabytes": r"stat::peak_rss_mb:\s+(\d+)",
    "slowest_seconds": r"stat::slowest_unit_time_sec:\s+(\d+)",
}


def point(path: Path) -> dict[str, int | str]:
    """What a log says: how many executions, and how many of them were findings."""
    text = path.read_text(errors="replace")
    found: dict[str, int | str] = {"target": path.stem}
    for name, pattern in STATS.items():
        match = re.search(pattern, text)
        found[name] = int(match[1]) if match else 0
    found["findings"] = len(re.findall(r"SUMMARY: |Uncaught Python exception", text))
    return found


def main() -> None:
    """Write the numbers; fail where a run found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    points = [point(path) for path in options.logs]
    write_record(options.out, schema=1, versions=versions(), points=points)
    for some in points:
        print(some)
    if any(some["findings"] or not some["executions"] for some in points):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
