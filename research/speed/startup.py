"""Seconds that whole processes take, from a cold start of Python: `m2t decompress` and its parts.

python -m research.speed.startup IMAGE --out results/startup.json
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from m2t.container import parse_header
from m2t.eval.command import run_m2t
from m2t.eval.results import versions, write_record
from m2t.timing import median_seconds

from ..command_line import command_line


def run(command: Sequence[object]) -> None:
    """A process, from its start to its end."""
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def main() -> None:
    """Time whole processes on one image."""
    parser = argparse.ArgumentParser(
        prog="python -m research.speed.startup", description=main.__doc__
    )
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
            {"process": name, "seconds": round(median_seconds(partial(run, command), args.runs), 3)}
            for name, command in commands.items()
        ]
    write_record(
        args.out,
        megapixels=round(header.width * header.height / 1e6, 3),
        rows=rows,
        versions=versions(),
        command=command_line("research.speed.startup", args.image),
    )


if __name__ == "__main__":
    main()
