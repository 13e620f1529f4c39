"""The measuring itself: every codec at every setting on every image.

Quality is measured on many images at once, in processes: most metrics hold Python's lock. Time is
measured apart from that, one image after the other on one thread, in memory: reading the original
and writing the decoded PNG do not count.
"""

import functools
import hashlib
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from ..errors import ImageError, M2TError
from .codec import Codec
from .journal import Journal, Key
from .judges import METRICS, fidelity
from .metrics import bpp, image_paths, load_rgb
from .results import Row

FAILURES = (M2TError, OSError, ValueError, RuntimeError)
"""What codecs raise on purpose."""


@dataclass(frozen=True)
class Photo:
    """An image of the dataset, known to be readable."""

    path: Path
    width: int
    height: int
    digest: str
    """Of the file: a journal does not mix images that share a name."""


@dataclass(frozen=True)
class Failure:
    """An image that was left out, and why."""

    image: str
    reason: str


@dataclass(frozen=True)
class Task:
    """One codec at one setting on one image."""

    codec: Codec
    version: str
    setting: float
    photo: Photo

    @property
    def key(self) -> Key:
        """Names the task in a journal."""
        param = self.codec.param(self.setting)
        return self.codec.name, self.version, param, self.photo.path.name, self.photo.digest


def photos_of(folder: Path, limit: int | None = None) -> tuple[list[Photo], list[Failure]]:
    """The images of a folder, and those that cannot be read; ImageError if none can."""
    photos, failures = [], []
    for path in image_paths(folder)[:limit]:
        try:
            height, width, _ = load_rgb(path).shape
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            photos.append(Photo(path, width, height, digest))
        except (M2TError, OSError) as error:
            failures.append(Failure(path.name, str(error)))
    if not photos:
        raise ImageError(f"{folder}: none of its images can be read")
    return photos, failures


def tasks_of(codecs: Sequence[Codec], photos: Sequence[Photo]) -> list[Task]:
    """All there is to do."""
    return [
        Task(codec, version, setting, photo)
        for codec, version in [(codec, codec.version()) for codec in codecs]
        for setting in codec.settings
        for photo in photos
    ]


@dataclass(frozen=True)
class Stage:
    """Facts to find about every task, and where they are kept."""

    title: str
    fields: tuple[str, ...]
    """What a row must have. None is an answer too: not defined for that image."""
    measure: Callable[[Task, Sequence[str]], dict[str, Any]]
    """Finds those of the named fields; can be sent to another process."""
    journal: Journal

    def lacking(self, task: Task) -> list[str]:
        """The fields that the journal does not tell of a task."""
        row = self.journal.rows.get(task.key, {})
        return [name for name in self.fields if name not in row]


def perform(tasks: Sequence[Task], stage: Stage, jobs: int = 1) -> list[Failure]:
    """Find what the journal does not tell, `jobs` tasks at a time, and write it there.

    With more than one job, processes import the main module: it must not start this by itself.
    """
    left = [task for task in tasks if stage.lacking(task)]
    failures = []
    known = len(tasks) - len(left)
    bar = tqdm(total=len(tasks), initial=known, desc=stage.title, disable=None)
    with bar, closing(_outcomes(left, stage, min(jobs, len(left)))) as outcomes:
        for task, outcome in outcomes:
            try:
                stage.journal.add(task.key, outcome())
            except BrokenExecutor as error:
                raise M2TError(
                    "a process that measures was killed: fewer jobs take less memory"
                ) from error
            except FAILURES as error:
                reason = f"{task.codec.name}, {task.codec.param(task.setting)}: {error}"
                failures.append(Failure(task.photo.path.name, reason))
            bar.update()
    return failures


def _outcomes(
    tasks: Sequence[Task], stage: Stage, jobs: int
) -> Generator[tuple[Task, Callable[[], dict[str, Any]]]]:
    """Tasks as they are done, each with what returns or raises what came of it."""
    if jobs <= 1:
        for task in tasks:
            yield task, partial(stage.measure, task, stage.lacking(task))
        return
    # Forking would copy PyTorch's threads in whatever state they are in.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _begin) as pool:
        try:
            futures = {pool.submit(stage.measure, t, stage.lacking(t)): t for t in tasks}
            for future in as_completed(futures):
                yield futures[future], future.result
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin() -> None:
    """In a new process: it has one thread for its work, and ends when its parent is no more."""
    os.environ["OMP_NUM_THREADS"] = "1"  # before the libraries that read it are there
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # one that was killed cannot tell the pool, whose processes would wait for ever


def quality_of(task: Task, names: Sequence[str]) -> dict[str, Any]:
    """Size and PSNR by real files, which only the encoder writes and the decoder reads.

    And the metrics among `names`.
    """
    photo = task.photo
    with tempfile.TemporaryDirectory() as folder:
        encoded = Path(folder, "image").with_suffix(task.codec.suffix)
        decoded = Path(folder, "decoded.png")
        task.codec.encode_file(photo.path, task.setting, encoded)
        task.codec.decode_file(encoded, decoded)
        num_bytes = encoded.stat().st_size
        rate = round(bpp(num_bytes, photo.width, photo.height), 6)
        found = fidelity(photo.path, decoded, [name for name in METRICS if name in names])
    return {"num_bytes": num_bytes, "bpp": rate, **found}


def time_of(task: Task, _: Sequence[str] = ()) -> dict[str, Any]:
    """Seconds to encode and to decode, in memory, all libraries loaded."""
    _warm_up(task.codec)
    image = Image.fromarray(load_rgb(task.photo.path))
    start = time.perf_counter()
    data = task.codec.encode(image, task.setting)
    middle = time.perf_counter()
    task.codec.decode(data)
    end = time.perf_counter()
    return {"encode_seconds": round(middle - start, 5), "decode_seconds": round(end - middle, 5)}


@functools.cache
def _warm_up(codec: Codec) -> None:
    codec.decode(codec.encode(Image.new("RGB", (256, 256), "teal"), codec.settings[0]))


def rows_of(tasks: Sequence[Task], *stages: Stage) -> dict[str, list[Row]]:
    """Codec's name -> rows in the order of the tasks, from all that the journals know of each.

    An image that one task failed on is in no row, so that all means are over the same images.
    """
    incomplete = {task.photo for task in tasks for stage in stages if stage.lacking(task)}
    rows: dict[str, list[Row]] = {}
    for task in tasks:
        if task.photo not in incomplete:
            facts = {k: v for stage in stages for k, v in stage.journal.rows[task.key].items()}
            row = Row(task.photo.path.name, task.codec.param(task.setting), **facts)
            rows.setdefault(task.codec.name, []).append(row)
    return rows
