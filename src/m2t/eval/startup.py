"""Seconds that whole processes take, from a cold start of Python: `m2t decompress` and its parts.

python -m m2t.eval.startup IMAGE --out results/startup.json
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..container import parse_header
from .command import run_m2t
from .results import command_line, versions, write_record


def median_seconds(command: Sequence[object], runs: int) -> float:
    """Median wall time of a command, after one run that fills the disk's cache."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return round(statistics.median(seconds[1:]), 3)


def main() -> None:
    """Time whole processes on one image."""
    parser = argparse.ArgumentParser(prog="python -m m2t.eval.startup", description=main.__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    python, m2t = [sys.executable], [sys.executable, "-m", "m2t"]
    with tempfile.TemporaryDirectory() as folder:
        [made] = run_m2t("compress", args.image, "--out-dir", folder)
        encoded, decoded = made["output"], Path(folder, "decoded.png")
        header = parse_header(Path(encoded).read_bytes())
        commands = {
            "m2t compress": [*m2t, "compress", args.image, encoded, "-f"],
            "m2t decompress": [*m2t, "decompress", encoded, decoded, "-f"],
            "m2t info": [*m2t, "info", encoded],
            "m2t --help": [*m2t, "--help"],
            "import torch": [*python, "-c", "import torch"],
            "import numpy": [*python, "-c", "import numpy"],
            "python": [*python, "-c", ""],
        }
        rows = [
            {"process": name, "seconds": median_seconds(command, args.runs)}
            for name, command in commands.items()
        ]
    write_record(
        args.out,
        megapixels=round(header.width * header.height / 1e6, 3),
        rows=rows,
        versions=versions(),
        command=command_line("m2t.eval.startup", args.image),
    )


if __name__ == "__main__":
    main()
