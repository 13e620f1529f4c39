"""Writes what fuzzers start from: small sound files and weights, and what was kept.

    python -m research.attacks.corpus FOLDER [--keep]

With --keep, the folder's inputs become those that are kept, in tests/attacks/corpus.tar.xz: each
reached something that none before it had, and tests try them all.
"""

import argparse
import tarfile
from io import BytesIO
from pathlib import Path

from m2t.codec import Codec

from .doors import NUM_WAYS
from .headers import divided
from .layouts import WEIGHTS, sound_files

KEPT = Path(__file__).parents[2] / "tests" / "attacks" / "corpus.tar.xz"


def main() -> None:
    """A folder for each door."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", action="store_true", help="Keep what is in the folder.")
    options = parser.parse_args()
    (keep if options.keep else write)(options.folder)


def write(folder: Path) -> None:
    """Sound inputs, and those that were kept."""
    files = {
        f"{i}.m2t": data
        for i, data in enumerate(sound_files(Codec.load(WEIGHTS, num_threads=1)).values())
    }
    for name, data in files.items():
        for door in ("decode", "pillow"):
            _write(folder / door / name, data)
        for way in range(NUM_WAYS):
            _write(folder / "parse" / f"{way}-{name}", bytes([way]) + data)
    header, _ = divided(WEIGHTS.read_bytes())
    _write(folder / "weights" / "header", header)
    _write(folder / "weights" / "small", b"{}")
    (folder / "core").mkdir(parents=True, exist_ok=True)
    for i in range(6):  # each operation once
        _write(folder / "core" / str(i), bytes([0, i, *range(30, 250)]))
    for name, data in kept().items():
        _write(folder / name, data)


def kept() -> dict[str, bytes]:
    """What was kept: inputs by door and name."""
    if not KEPT.exists():
        return {}
    with tarfile.open(KEPT) as archive:
        members = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in members.items() if file}


def keep(folder: Path) -> None:
    """Keep the inputs of a folder in place of those that were."""
    with tarfile.open(KEPT, "w:xz", preset=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = path.stat().st_size
            archive.addfile(member, BytesIO(path.read_bytes()))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
