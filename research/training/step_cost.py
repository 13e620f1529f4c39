"""Seconds of a step on this machine, and the steps that fit into so many minutes of it.

    python -m research.training.step_cost FILE NAME --run RUN    add what RUN took to FILE
    python -m research.training.step_cost FILE NAME MINUTES      print the number of steps

Lets a fast machine repeat what a slow one could train in a given time.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from m2t.errors import ConfigError

NUM_WARMUP_STEPS = 5
"""The first steps fill caches."""


def main() -> None:
    """Write to FILE, or print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("name")
    parser.add_argument("minutes", type=float, nargs="?")
    parser.add_argument("--run", type=Path, help="A run with a line in its log for every step.")
    options = parser.parse_args()
    if options.run is not None:
        add(options.file, options.name, seconds_per_step(options.run))
    else:
        print(num_steps(options.file, options.name, options.minutes))


def seconds_per_step(run: Path) -> float:
    """Mean of the steps after the first few.

    The mean, since steps differ in their crops; a run's first steps have the same in every run.
    """
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    seconds = [record["seconds"] for record in records if record["kind"] == "train"]
    if len(seconds) <= NUM_WARMUP_STEPS + 1:
        raise ConfigError(f"{run} has only {len(seconds)} steps in its log")
    return float(np.diff(seconds)[NUM_WARMUP_STEPS:].mean())


def add(file: Path, name: str, seconds: float) -> None:
    """Set one entry of the file."""
    costs = json.loads(file.read_text())["seconds_per_step"] if file.exists() else {}
    costs = dict(sorted({**costs, name: round(seconds, 4)}.items()))
    file.write_text(json.dumps({"schema": 1, "seconds_per_step": costs}, indent=1) + "\n")


def num_steps(file: Path, name: str, minutes: float) -> int:
    """Steps of a recipe in so many minutes."""
    costs = json.loads(file.read_text())["seconds_per_step"]
    if name not in costs:
        raise ConfigError(f"{file} lacks {name}: measure it first")
    return max(1, round(60 * minutes / costs[name]))


if __name__ == "__main__":
    main()
