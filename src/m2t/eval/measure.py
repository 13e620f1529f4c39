"""The measuring itself: every codec at every setting on every image.

Quality is measured on many images at once. Time is measured apart from that, one image after the
other on one thread, in memory: reading the original and writing the decoded PNG do not count.
"""

import functools
import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from ..errors import ImageError, M2TError
from .codec import Codec
from .journal import Journal, Key
from .metrics import bpp, fidelity, image_paths, load_rgb
from .results import Row, known

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


def perform(
    tasks: Sequence[Task],
    journal: Journal,
    work: Callable[[Task], dict[str, Any]],
    jobs: int,
    title: str,
) -> list[Failure]:
    """Do the tasks that are not in the journal, `jobs` at a time, and write what comes out there.

    Codecs and metrics release Python's lock while they compute, so threads are enough.
    """
    left = [task for task in tasks if task.key not in journal.rows]
    failures = []
    bar = tqdm(total=len(tasks), initial=len(tasks) - len(left), desc=title, disable=None)
    with ThreadPoolExecutor(jobs) as pool, bar:
        futures = {pool.submit(work, task): task for task in left}
        try:
            for future in as_completed(futures):
                task = futures[future]
                try:
                    journal.add(task.key, future.result())
                except FAILURES as error:
                    reason = f"{task.codec.name}, {task.codec.param(task.setting)}: {error}"
                    failures.append(Failure(task.photo.path.name, reason))
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failures


def quality_of(task: Task, with_ssimulacra2: bool = False) -> dict[str, Any]:
    """Size and fidelity by real files, which only the encoder writes and the decoder reads."""
    photo = task.photo
    with tempfile.TemporaryDirectory() as folder:
        encoded = Path(folder, "image").with_suffix(task.codec.suffix)
        decoded = Path(folder, "decoded.png")
        task.codec.encode_file(photo.path, task.setting, encoded)
        task.codec.decode_file(encoded, decoded)
        num_bytes = encoded.stat().st_size
        rate = round(bpp(num_bytes, photo.width, photo.height), 6)
        found = fidelity(photo.path, decoded, with_ssimulacra2)
    return {"num_bytes": num_bytes, "bpp": rate, **known(found)}


def time_of(task: Task) -> dict[str, Any]:
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


def rows_of(tasks: Sequence[Task], *journals: Journal) -> dict[str, list[Row]]:
    """Codec's name -> rows in the order of the tasks, from all that the journals know of each.

    An image that one task failed on is in no row, so that all means are over the same images.
    """
    incomplete = {task.photo for task in tasks for j in journals if task.key not in j.rows}
    rows: dict[str, list[Row]] = {}
    for task in tasks:
        if task.photo not in incomplete:
            facts = {k: v for journal in journals for k, v in journal.rows[task.key].items()}
            row = Row(task.photo.path.name, task.codec.param(task.setting), **facts)
            rows.setdefault(task.codec.name, []).append(row)
    return rows
