"""Commands that are killed, and what they work on."""

from collections.abc import Iterator
from dataclasses import dataclass

from m2t.codec import Codec

from .trees import MODEL, WEIGHTS, Files, photograph, png

LEDGER = "out/ledger.jsonl"
"""Tells times, so no two runs write the same."""


@dataclass(frozen=True)
class Scene:
    """A command, and what is in its folder before and after it."""

    name: str
    arguments: tuple[str, ...]
    before: Files
    again: tuple[str, ...] = ()
    """Options of the last run, which nobody disturbs."""
    most_kills: int = 1
    """Before that run."""
    targets: tuple[str, ...] = (".",)
    """Folders that it writes to, made before it."""


def scenes() -> Iterator[Scene]:
    """What is killed."""
    codec = Codec.load(WEIGHTS, num_threads=1)
    photo = photograph(120, 80)
    source, coded = {"a.png": png(photo)}, {"a.m2t": codec.compress(photo, 40, lossless="never")}
    force = ("-f",)
    compress, decompress = ("compress", "a.png", *MODEL), ("decompress", "a.m2t", *MODEL)
    yield Scene("compress", compress, source, force)
    yield Scene("compress -f", (*compress, "-f"), source | coded)
    yield Scene("decompress", decompress, coded, force)
    yield Scene("decompress -f", (*decompress, "-f"), coded | {"a.png": png(photo.rotate(180))})
    targets = ("out/0", "out/1")
    photos = {f"in/{i % 2}/{i}.png": png(photograph(60 + 10 * i, 80, seed=i)) for i in range(8)}
    folders = ("--recursive", "--out-dir", "out", "--ledger", LEDGER, "--effort", "0", *MODEL)
    for more in ((), ("--jobs", "2")):
        name = " ".join(("compress --recursive", *more))
        yield Scene(name, ("compress", "in", *folders, *more), photos, (), 5, targets)
