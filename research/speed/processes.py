"""Seconds and memory of whole processes, from a cold start of Python.

    python -m research.speed.processes IMAGE --out results/processes.json

At the image's own size and at 12 megapixels. What Python, NumPy and Pillow take is told as well.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from m2t.bench import sample
from m2t.container import parse_header
from m2t.eval.command import run_m2t
from m2t.eval.results import versions, write_record
from m2t.timing import median_seconds

from ..command_line import command_line

LARGE = 12.0
"""Megapixels."""
PEAK = """
import sys
from pathlib import Path
from m2t.cli import main
code = main(sys.argv[1:])
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
sys.exit(code)
"""
"""A command line as `m2t` runs it, and then the most memory that it ever had, in kB."""


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""With compiled modules, as pip leaves them."""


def run(command: Sequence[object]) -> None:
    """A process, from its start to its end."""
    words = [str(word) for word in command]
    subprocess.run(words, check=True, capture_output=True, env=ENVIRONMENT)


def peak_bytes(args: Sequence[object]) -> int:
    """The most memory that `m2t ARGS` had, all libraries included."""
    command = [sys.executable, "-c", PEAK, *map(str, args)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return 1024 * int(done.stdout.splitlines()[-1])


def measure(image: Path, folder: Path, most_runs: int) -> list[dict[str, Any]]:
    """Rows: what each command takes with an image, seconds as medians."""
    [made] = run_m2t("compress", image, "--out-dir", folder)
    encoded, decoded = made["output"], folder / "decoded.png"
    header = parse_header(Path(encoded).read_bytes())
    commands = {
        "compress": ["compress", image, encoded, "-f"],
        "decompress": ["decompress", encoded, decoded, "-f"],
        "decompress, one thread": ["decompress", encoded, decoded, "-f", "--threads", 1],
    }
    return [
        {
            "process": f"m2t {name}",
            "megapixels": round(header.width * header.height / 1e6, 3),
            "seconds": seconds_of(["-m", "m2t", *args], most_runs),
            "peak_bytes": peak_bytes(args),
        }
        for name, args in commands.items()
    ]


def seconds_of(args: Sequence[object], most_runs: int) -> float:
    """Median seconds of a process of Python."""
    return round(median_seconds(partial(run, [sys.executable, *args]), most_runs), 3)


def main() -> None:
    """Time whole processes, and tell how much memory they take."""
    parser = argparse.ArgumentParser(
        prog="python -m research.speed.processes", description=main.__doc__
    )
    parser.add_argument("image", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    plain = {
        "m2t --help": ["-m", "m2t", "--help"],
        "import numpy, PIL.Image": ["-c", "import numpy, PIL.Image"],
        "python": ["-c", ""],
    }
    rows = [{"process": k, "seconds": seconds_of(v, args.runs)} for k, v in plain.items()]
    with tempfile.TemporaryDirectory() as name:
        large = Path(name, "large.png")
        large.write_bytes(sample(args.image.read_bytes(), LARGE))
        rows += measure(args.image, Path(name), args.runs)
        rows += measure(large, Path(name), 3)
    write_record(
        args.out,
        rows=rows,
        versions=versions(),
        command=command_line("research.speed.processes", args.image),
    )


if __name__ == "__main__":
    main()
