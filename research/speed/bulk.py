"""What a run over an archive adds to the engine: workers against processes, tasks, plans.

    python -m research.speed.bulk FOLDER --out results/bulk.json

It takes the extra `cluster`, and a machine with nothing else to do.
"""

import argparse
import io
import math
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from m2t.bulk.batches import Batch, Item, Maker, Result
from m2t.bulk.cluster import engine, perform
from m2t.bulk.plan import Plan
from m2t.bulk.sources import Source
from m2t.engine.threads import num_cores
from m2t.eval.results import versions, write_record
from m2t.work import Compression, Load
from m2t.workers import Died

from ..command_line import command_line
from .nothing import Nothing

BATCHES = (1, 4, 16, 64)
NUM_TINY = 512
"""Files, for the seconds of a task."""
NUM_FILES = (1_000, 5_000, 25_000)
"""For memory: of the driver, while workers do so many."""
NUM_PLANNED = (10_000, 100_000, 1_000_000)


def batches(items: Iterator[Item], size: int) -> Iterator[Batch]:
    """Tasks of so many files."""
    while some := list(islice(items, size)):
        yield Batch(some)


def done(load: Load, items: list[Item], size: int, num_workers: int) -> tuple[int, float]:
    """Files, and the seconds that they took once every worker had given its first answer."""
    tasks = batches(iter(items), size)
    start, num_done, num_answers = math.nan, 0, 0
    with closing(perform(tasks, partial(Maker, load), num_workers)) as answers:
        for _, answer in answers:
            assert not isinstance(answer, Died)
            assert all(succeeded(result) for result in answer)
            if num_answers < 2 * num_workers:  # they were given before the others were ready
                start = time.perf_counter()
            else:
                num_done += len(answer)
            num_answers += 1
    return num_done, time.perf_counter() - start


def succeeded(result: Result) -> bool:
    """Whether a file was made."""
    return result.row["error"] is None


def process(load: Load, items: list[Item], ready: Any, times: Any) -> None:
    """One of N processes that do nothing but work: as a loop over files would be written."""
    work = load(1)
    ready.wait()
    start = time.time()
    for item in items:
        made = work(io.BytesIO(Path(item.input).read_bytes()), None)
        assert item.output is not None
        Path(item.output).write_bytes(made.result)
    times.put((start, time.time()))


def in_processes(load: Load, items: list[Item], num_processes: int) -> float:
    """Seconds that so many processes need for all files, from when all are ready."""
    context = multiprocessing.get_context("spawn")
    ready, times = context.Barrier(num_processes), context.Queue()
    shares = [items[i::num_processes] for i in range(num_processes)]
    all_ = [context.Process(target=process, args=(load, share, ready, times)) for share in shares]
    for one in all_:
        one.start()
    found = [times.get() for _ in all_]
    for one in all_:
        one.join()
    return max(end for _, end in found) - min(start for start, _ in found)


def peak_bytes() -> int:
    """The most memory that this process, the driver, ever had."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def speed(pictures: list[Path], folder: Path, num_workers: int, repeats: int) -> dict[str, Any]:
    """Files per second of workers, and of as many processes that only work."""
    load = Compression().load
    paths = pictures * repeats
    items = [Item(str(path), str(folder / f"{i}.m2t")) for i, path in enumerate(paths)]
    num_done, seconds = done(load, items, 1, num_workers)
    alone = len(items) / in_processes(load, items, num_workers)
    row = {"workers": num_workers, "files_per_second": num_done / seconds, "processes": alone}
    return row | {"share": row["files_per_second"] / alone}


def tasks(source: Path, folder: Path) -> list[dict[str, Any]]:
    """Seconds of a file for which nothing is computed, by the size of batches."""
    load = Nothing((folder / "0.m2t").read_bytes()).load
    items = [Item(str(source), str(folder / f"tiny{i}.m2t")) for i in range(NUM_TINY)]
    rows = []
    for size in BATCHES:
        num_done, seconds = done(load, items, size, 1)
        rows.append({"batch": size, "ms_per_file": 1000 * seconds / num_done})
    return rows


def memory(source: Path, folder: Path, num_workers: int) -> list[dict[str, Any]]:
    """The driver's memory by the number of files that workers do."""
    load = Nothing((folder / "0.m2t").read_bytes()).load
    rows = []
    for num_files in NUM_FILES:
        items = [Item(str(source), str(folder / f"tiny{i % 64}.m2t")) for i in range(num_files)]
        done(load, items, 64, num_workers)
        rows.append({"files": num_files, "peak_bytes": peak_bytes()})
    return rows


def plans() -> list[dict[str, Any]]:
    """Seconds and memory of finding out what is left of so many files, all of them."""
    rows = []
    for num_files in NUM_PLANNED:
        names = (f"s3://bucket/folder{i // 1000}/IMG_{i}.jpg" for i in range(num_files))
        start = time.perf_counter()
        with closing(Plan(".m2t")) as plan:
            plan.add_files(Source(name, name[12:], 4_000_000, 10**18) for name in names)
            found = sum(1 for _ in plan.states({}))
        assert found == num_files
        seconds = time.perf_counter() - start
        rows.append({"files": num_files, "seconds": seconds, "peak_bytes": peak_bytes()})
    return rows


def main() -> None:
    """Measure what a run over an archive adds to the engine."""
    parser = argparse.ArgumentParser(prog="python -m research.speed.bulk", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="of PNG images")
    parser.add_argument("--repeats", type=int, default=4, help="times that each image is done")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    pictures = sorted(args.folder.glob("*.png"))
    folder = Path(tempfile.mkdtemp())
    num_workers = num_cores()
    try:
        found = {"plans": plans()}
        with engine():
            found["speed"] = [speed(pictures, folder, num_workers, args.repeats)]
            found["tasks"] = tasks(folder / "0.m2t", folder)
            found["memory"] = memory(folder / "0.m2t", folder, num_workers)
    finally:
        shutil.rmtree(folder)
    command = command_line("research.speed.bulk", args.folder)
    write_record(args.out, **found, versions=versions(), command=command)


if __name__ == "__main__":
    main()
