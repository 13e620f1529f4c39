"""Fuzzes the layers in Python, led by what code each input reaches.

    python -m research.attacks.fuzz DOOR --weights tests/tiny.safetensors [LIBFUZZER'S OPTIONS]

Atheris (`pip install atheris`) changes inputs of a door (doors.py): "parse" for the container,
"decode" for whole files, whose checksums are made right, "weights", or "pillow". Whatever is no
error of ours ends the run, as does what takes seconds. runs/fuzz.sh runs them all.
"""

import argparse
import random
import sys
import warnings
from pathlib import Path

import atheris  # pyright: ignore - not to be had everywhere

with atheris.instrument_imports(include=["m2t"]):  # pyright: ignore - has no types
    from .doors import doors

from .headers import mutated


def header_mutated(data: bytes, largest: int, seed: int) -> bytes:
    """Half of the changes are those of JSON, the others of bytes."""
    rng = random.Random(seed)
    changed = mutated(data, rng) if rng.random() < 0.5 else None
    if changed is None or len(changed) > largest:
        changed = atheris.Mutate(data, largest)  # pyright: ignore - has no types
    return changed


def main() -> None:
    """Run libFuzzer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("door", choices=["parse", "decode", "weights", "pillow"])
    parser.add_argument("--weights", type=Path, required=True, help="Of the files.")
    options, rest = parser.parse_known_args()
    warnings.simplefilter("ignore")
    mutator = {"custom_mutator": header_mutated} if options.door == "weights" else {}
    atheris.Setup([sys.argv[0], *rest], doors(options.weights)[options.door], **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
