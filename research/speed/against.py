"""How fast this code is beside an earlier commit's: `m2t bench` of both, taking turns.

    python -m research.speed.against COMMIT --out results/against.json

Each has the weights that it ships. Ratios of one run are all that a machine shared with others
tells; medians are over the rounds. The earlier commit is built in build/against and may need more
packages than this one.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from m2t.config import TUNES, Tune
from m2t.eval.results import versions, write_record

from ..command_line import command_line

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "against"
NOW, BEFORE = "now", "before"


def install(commit: str) -> Path:
    """A folder with the package as it was then, compiled."""
    source, target = FOLDER / "source", FOLDER / "package"
    shutil.rmtree(FOLDER, ignore_errors=True)
    source.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", source], input=archive.stdout, check=True)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, source]
    subprocess.run(pip, check=True)
    return target


def bench(package: Path | None, options: list[str]) -> dict[str, Any]:
    """What `m2t bench` tells, of the package in a folder or, if None, of this one."""
    path = {} if package is None else {"PYTHONPATH": str(package)}
    command = [sys.executable, "-m", "m2t", "bench", "--json", "--warmup", "1", *options]
    done = subprocess.run(
        command, env={**os.environ, **path}, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def compare(package: Path, options: list[str], tune: Tune, rounds: int) -> dict[str, Any]:
    """Median seconds of both, in both directions, and how many times as fast this code is.

    The earlier one may know a single tune, and is not asked.
    """
    found: dict[str, list[dict[str, Any]]] = {NOW: [], BEFORE: []}
    for _ in range(rounds):
        found[BEFORE].append(bench(package, options))
        found[NOW].append(bench(None, [*options, "--tune", tune]))
    facts: dict[str, Any] = {
        "megapixels": round(found[NOW][0]["width"] * found[NOW][0]["height"] / 1e6, 3),
        "tune": tune,
        "num_threads": found[NOW][0]["num_threads"],
        "operations": {name: each[0]["operations"] for name, each in found.items()},
        "bpp": {name: round(each[0]["bpp"], 4) for name, each in found.items()},
    }
    for direction in ("encode", "decode"):
        seconds = {
            name: statistics.median(one[direction]["seconds"] for one in each)
            for name, each in found.items()
        }
        facts[f"{direction}_seconds"] = seconds
        facts[f"{direction}_ratio"] = round(seconds[BEFORE] / seconds[NOW], 2)
    return facts


def main() -> None:
    """Time this code and an earlier commit's in turns."""
    parser = argparse.ArgumentParser(
        prog="python -m research.speed.against", description=main.__doc__
    )
    parser.add_argument("commit")
    parser.add_argument("--image", type=Path, default=ROOT / "examples" / "photo.png")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1.0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tunes", choices=TUNES, nargs="+", default=TUNES, help="of this code")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    package = install(args.commit)
    cases = itertools.product(args.megapixels, args.threads, args.tunes)
    rows = []
    for size, threads, tune in tqdm([*cases], disable=None):
        options = [str(args.image), "--megapixels", str(size), "--threads", str(threads)]
        rows.append(compare(package, [*options, "--runs", "3"], tune, args.rounds))
    write_record(
        args.out,
        commit=args.commit,
        rows=rows,
        versions=versions(),
        command=command_line("research.speed.against", args.image),
    )


if __name__ == "__main__":
    main()
