"""Whether this machine computes the same integers as others: every level of the core, and files.

    python -m research.determinism.machine NAME PHOTOGRAPH --out results/machines.json

Adds a machine to the file under a name for it. Fails if a hash of the self-test is not the expected
one, if nothing was compiled, or if a photograph becomes other bytes or pixels than on the machines
before. It needs no more than m2t does.
"""

import argparse
import hashlib
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from m2t.checksums import pixels_sha256
from m2t.codec import Codec
from m2t.config import Aim
from m2t.engine import native
from m2t.engine.fastest import works
from m2t.image import Picture
from m2t.rans import Encoder

CROP = (50, 50, 450, 250)
"""What is compressed of the photograph: two windows of tokens, the second one narrow."""


def tried(level: int, name: str) -> dict[str, Any]:
    """What came of one level's self-test."""
    start = time.perf_counter()
    equal = works(level)
    return {"level": name, "equal": equal, "seconds": round(time.perf_counter() - start, 4)}


def coded(photograph: Path) -> dict[str, Any]:
    """What the shipped weights make of a photograph: a file's streams, and pixels again.

    Not by Codec.compress(), for which the Pillow of some systems is too old.
    """
    rgb = np.array(Image.open(photograph).convert("RGB").crop(CROP))
    height, width, _ = rgb.shape
    start = time.perf_counter()
    codec = Codec.load()
    aim = Aim(50, codec.config.rate.default_tune)
    y_hat = codec.tokens(Picture(rgb), aim)
    streams = codec.code(y_hat.shape[:2], aim, lambda _: Encoder(), y_hat).results
    return {
        "streams_sha256": hashlib.sha256(b"".join(streams)).hexdigest(),
        "pixels_sha256": pixels_sha256(codec.synthesise(y_hat, height, width, aim)),
        "seconds": round(time.perf_counter() - start, 2),
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    machine = {
        "machine": arguments.name,
        "processor": platform.machine(),
        "bytes": sys.byteorder,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "levels": [tried(level, name) for level, name in enumerate(native.levels())],
        **coded(arguments.photograph),
    }
    out: Path = arguments.out
    machines = [*(json.loads(out.read_text()) if out.exists() else []), machine]
    lines = ",\n ".join(map(json.dumps, machines))
    out.write_text(f"[\n {lines}\n]\n")
    equal = [level["equal"] for level in machine["levels"]]
    hashes = {(one["streams_sha256"], one["pixels_sha256"]) for one in machines}
    if not equal or not all(equal) or len(hashes) > 1:
        sys.exit(f"{arguments.name}: not the integers of other machines")


if __name__ == "__main__":
    main()
