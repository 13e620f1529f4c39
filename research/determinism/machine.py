"""Whether the core gives the same integers on this machine as on all others, level by level.

    python -m research.determinism.machine "a name for it" --out results/machines.json

Adds the machine to the file; fails if a hash of the self-test differs, or nothing was compiled. It
needs NumPy alone, for machines.sh runs it where nothing else is to be had.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from m2t.engine import native
from m2t.engine.choice import works


def tried(level: int, name: str) -> dict[str, Any]:
    """What came of one level's self-test."""
    start = time.perf_counter()
    equal = works(level)
    return {"level": name, "equal": equal, "seconds": round(time.perf_counter() - start, 4)}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    machine = {
        "machine": arguments.name,
        "processor": platform.machine(),
        "bytes": sys.byteorder,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "levels": [tried(level, name) for level, name in enumerate(native.levels())],
    }
    out: Path = arguments.out
    others = json.loads(out.read_text()) if out.exists() else []
    lines = ",\n ".join(json.dumps(one) for one in (*others, machine))
    out.write_text(f"[\n {lines}\n]\n")
    equal = [level["equal"] for level in machine["levels"]]
    if not equal or not all(equal):
        sys.exit(f"{arguments.name}: not the integers of other machines: {machine['levels']}")


if __name__ == "__main__":
    main()
