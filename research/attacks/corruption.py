"""How many random corruptions of files are noticed.

    python -m research.attacks.corruption --count N --out results/corruption.json

Small files of every layout, of a tiny model, are changed at random places. Each is decoded: it is
refused, or its picture is the same, or it is wrong and nobody was told. Of every 100th, what
`partial` shows is looked at, too.
"""

import argparse
import random
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from m2t.codec import Codec
from m2t.errors import FormatError, ModelError
from m2t.eval.results import versions, write_record

from ..command_line import command_line
from .layouts import WEIGHTS, sound_files

PARTIAL = 100
"""Every so many-th file is also shown in part."""


def bit(data: bytearray, rng: random.Random) -> None:
    """One bit."""
    place = rng.randrange(8 * len(data))
    data[place // 8] ^= 1 << place % 8


def byte(data: bytearray, rng: random.Random) -> None:
    """One byte to any other."""
    data[rng.randrange(len(data))] ^= rng.randrange(1, 256)


def some_bytes(data: bytearray, rng: random.Random) -> None:
    """2 to 16 bytes anywhere."""
    for place in rng.sample(range(len(data)), rng.randint(2, 16)):
        data[place] ^= rng.randrange(1, 256)


def burst(data: bytearray, rng: random.Random) -> None:
    """2 to 64 bytes in a row, to noise."""
    length = rng.randint(2, 64)
    place = rng.randrange(len(data) - length)
    data[place : place + length] = rng.randbytes(length)


def zeros(data: bytearray, rng: random.Random) -> None:
    """2 to 64 bytes in a row, to zeros, as disks lose them."""
    length = rng.randint(2, 64)
    place = rng.randrange(len(data) - length)
    data[place : place + length] = bytes(length)


def lost(data: bytearray, rng: random.Random) -> None:
    """1 to 16 bytes in a row are missing."""
    place = rng.randrange(len(data) - 16)
    del data[place : place + rng.randint(1, 16)]


def inserted(data: bytearray, rng: random.Random) -> None:
    """1 to 16 bytes too many."""
    place = rng.randrange(len(data))
    data[place:place] = rng.randbytes(rng.randint(1, 16))


def cut(data: bytearray, rng: random.Random) -> None:
    """The end is missing."""
    del data[rng.randrange(len(data)) :]


KINDS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(bit, byte, some_bytes, burst),
    *(zeros, lost, inserted, cut),
)


def corrupted(data: bytes, count: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """So many files that differ from `data`, and what was done to each."""
    for i in range(count):
        change, other = KINDS[i % len(KINDS)], bytearray(data)
        while other == data:  # zeros over zeros, say
            change(other, rng)
        yield change.__name__, bytes(other)


def verdict(codec: Codec, data: bytes, expected: Image.Image, partial: bool) -> str:
    """What comes of a file."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            image = codec.decompress(data, partial=partial)
        except (FormatError, ModelError) as error:
            return f"refused: {type(error).__name__}" if not partial else "refused"
    if told:
        return "shown with a warning"
    same = image.mode == expected.mode and np.array_equal(np.asarray(image), np.asarray(expected))
    return "the same picture" if same else "wrong and silent"


def main() -> None:
    """Write the numbers; fail if one picture is wrong and silent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="Corruptions in all.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    codec, rng = Codec.load(WEIGHTS, num_threads=1), random.Random(options.seed)
    files, points, silent, total = sound_files(codec), [], 0, 0
    for layout, data in files.items():
        expected = codec.decompress(data)
        found: dict[str, Counter[str]] = {}
        for i, (kind, some) in enumerate(corrupted(data, options.count // len(files) + 1, rng)):
            if total == options.count:
                break
            total += 1
            found.setdefault(kind, Counter())[verdict(codec, some, expected, False)] += 1
            if i // len(KINDS) % PARTIAL == 0:
                what = f"partial: {verdict(codec, some, expected, True)}"
                found[kind][what] += 1
        for kind, counts in found.items():
            points.append({"layout": layout, "kind": kind, **counts})
            silent += sum(counts[what] for what in counts if what.endswith("wrong and silent"))
    command = command_line("research.attacks.corruption", options.out)
    write_record(
        options.out,
        schema=1,
        command=command,
        versions=versions(),
        seed=options.seed,
        bytes={layout: len(data) for layout, data in files.items()},
        count=total,
        silent=silent,
        points=points,
    )
    print(f"{total:,} corruptions, {silent} of them silent")
    if silent:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
