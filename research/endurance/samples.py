"""What a process holds: memory, descriptors, threads, temporary files; and whether that grows."""

import ctypes
import gc
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from .trees import temporaries

WARM_UP = 0.1
"""Share of the time that is not looked at."""
MOST_GROWTH = 0.05
"""Of memory, after that."""


class Sample(NamedTuple):
    """At one moment, after garbage was collected and free memory given back."""

    seconds: float
    """Since the start."""
    operations: int
    """Done until then."""
    kilobytes: int
    """Resident."""
    descriptors: int
    threads: int
    temporary_files: int


class Sampler:
    """Takes samples of its own process every so many seconds, and writes each down at once."""

    def __init__(self, log: Path, folder: Path, every_seconds: float) -> None:
        """Temporary files are those in `folder`/temporary, and those of writes below `folder`."""
        self.log, self.folder, self.every_seconds = log, folder, every_seconds
        self.start = time.monotonic()
        self.due = 0.0
        log.write_text("")

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.start

    def look(self, operations: int, now: bool = False) -> None:
        """To be called between operations: takes a sample if it is time to, or `now`."""
        if self.seconds < self.due and not now:
            return
        self.due = self.seconds + self.every_seconds
        with self.log.open("a") as file:
            file.write(json.dumps(self.taken(operations)._asdict()) + "\n")

    def taken(self, operations: int) -> Sample:
        """What this process holds now."""
        gc.collect()
        # What glibc keeps for the next time comes and goes by megabytes, and hides small leaks.
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
            trim(0)
        lines = Path("/proc/self/status").read_text().splitlines()
        status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
        others = [path for path in (self.folder / "temporary").rglob("*") if path.is_file()]
        return Sample(
            round(self.seconds, 1),
            operations,
            int(status["VmRSS"][0]),
            len(os.listdir("/proc/self/fd")) - 1,  # noqa: PTH208 - less the one that lists them
            int(status["Threads"][0]),
            len(temporaries(self.folder)) + len(others),
        )


def read(log: Path) -> list[Sample]:
    """The samples of a process."""
    return [Sample(**json.loads(line)) for line in log.read_text().splitlines()]


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """What is recorded of a process; the later samples are those after its warm-up."""
    later = [x for x in samples if x.seconds >= WARM_UP * samples[-1].seconds]
    tenth = max(1, len(later) // 10)
    first, last = later[:tenth], later[-tenth:]
    start, end = (median(x.kilobytes for x in some) for some in (first, last))
    held = {
        name: [max(getattr(x, name) for x in some) for some in (first, last)]
        for name in ("descriptors", "threads")
    }
    return {
        "seconds": samples[-1].seconds,
        "operations": samples[-1].operations,
        "samples": len(samples),
        "megabytes_after_warm_up": round(start / 1024, 1),
        "megabytes_at_the_end": round(end / 1024, 1),
        "most_megabytes": round(max(x.kilobytes for x in later) / 1024, 1),
        "memory_growth_percent": round(100 * (end / start - 1), 2),
        **{f"{name}_after_warm_up": first for name, (first, _) in held.items()},
        **{f"{name}_at_the_end": last for name, (_, last) in held.items()},
        "temporary_files": max(x.temporary_files for x in samples),
        "megabytes": [round(x.kilobytes / 1024, 1) for x in samples],
    }


def faults(found: dict[str, Any]) -> list[str]:
    """What of a summary is no good."""
    wrong = []
    if found["memory_growth_percent"] > 100 * MOST_GROWTH:
        wrong.append(f"memory grew by {found['memory_growth_percent']} %")
    for name in ("descriptors", "threads"):
        if found[f"{name}_at_the_end"] > found[f"{name}_after_warm_up"]:
            wrong.append(f"{name} grew to {found[f'{name}_at_the_end']}")
    if found["temporary_files"]:
        wrong.append(f"{found['temporary_files']} temporary files")
    return wrong
