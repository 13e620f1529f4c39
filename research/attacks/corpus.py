"""Writes the files that fuzzers start from: small sound ones of every layout, and small weights.

python -m research.attacks.corpus FOLDER
"""

import argparse
from pathlib import Path

from m2t.codec import Codec

from .corruption import WEIGHTS, sound_files


def main() -> None:
    """A folder for each door."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    files = {
        f"{i}.m2t": data
        for i, data in enumerate(sound_files(Codec.load(WEIGHTS, num_threads=1)).values())
    }
    for door in ("parse", "decode", "pillow"):
        for name, data in files.items():
            _write(folder / door / name, data)
    weights = WEIGHTS.read_bytes()
    length = 8 + int.from_bytes(weights[:8], "little")
    _write(folder / "weights" / "header", weights[:length])
    _write(folder / "weights" / "small", b"\x02\0\0\0\0\0\0\0{}")
    (folder / "core").mkdir(parents=True, exist_ok=True)
    for i in range(6):  # each operation once
        _write(folder / "core" / str(i), bytes([0, i, *range(30, 250)]))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
