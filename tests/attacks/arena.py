"""Where hostile files are tried: a process of its own, which is watched.

What a file does there is a verdict: it is refused, or decoded, or neither; in so many seconds; and
the process needed so many bytes more.
"""

import hashlib
import io
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

import m2t
import m2t.pillow
from m2t.codec import Codec
from m2t.errors import FormatError, ModelError

from ..conftest import TINY

MOST_SECONDS = 1.0
MOST_BYTES = 200_000_000
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
_PER_TASK = 200
"""Files that go to the process at a time."""


class Verdict(NamedTuple):
    """What a file did."""

    outcome: str
    """"decoded", "refused", or the type of an error that nobody should see."""
    text: str
    """Hash of the picture, or the error's text."""
    seconds: float
    """Of the processor."""
    num_bytes: int
    """By which the process grew at most, since it was there."""


def fingerprint(image: Image.Image) -> str:
    """What is to stay of a picture."""
    pixels = hashlib.sha256(image.tobytes()).hexdigest()
    return f"{image.mode} {image.width}x{image.height} {pixels}"


def _decompress(data: bytes, **options: Any) -> str:
    return fingerprint(_codec().decompress(data, **options))


def _last_step(data: bytes) -> str:
    steps = list(m2t.decompress_steps([data[:50], data[50:]], _codec()))
    return fingerprint(steps[-1][1])


def _verify(data: bytes) -> str:
    y_hat = _codec().verified(data)
    return "lossless" if y_hat is None else hashlib.sha256(y_hat.tobytes()).hexdigest()


def _pillow(data: bytes) -> str:
    image = Image.open(io.BytesIO(data))
    image.load()
    return fingerprint(image)


def _weights(data: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.safetensors")
        path.write_bytes(data)
        codec = Codec.load(path, num_threads=1)
    image = Image.new("RGB", (150, 100), "teal")
    return fingerprint(codec.decompress(codec.compress(image, effort=0)))


DOORS: dict[str, Callable[[bytes], str]] = {
    "decompress": _decompress,
    "partial": lambda data: _decompress(data, partial=True),
    "steps": _last_step,
    "verify": _verify,
    "pillow": _pillow,
    "weights": _weights,
}
"""By which a file comes in."""
REFUSED: dict[str, type[Exception]] = {"pillow": OSError, "weights": ModelError}
"""What a door raises; FormatError or ModelError otherwise."""

_state: dict[str, Any] = {}


def _codec() -> Codec:
    if "codec" not in _state:
        _state["codec"] = Codec.load(TINY, num_threads=1)
    return _state["codec"]


def _peak() -> int:
    return _UNIT * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _begin(door: str, sound: bytes) -> None:
    """In the process: what a sound file takes is no hostile one's."""
    warnings.simplefilter("ignore")
    m2t.pillow.register()
    DOORS[door](sound)
    _state["peak"] = _peak()


def _try(door: str, files: list[bytes]) -> list[Verdict]:
    return [_tried(door, data) for data in files]


def _tried(door: str, data: bytes) -> Verdict:
    start = time.process_time()
    try:
        outcome, text = "decoded", DOORS[door](data)
    except REFUSED.get(door, (FormatError, ModelError)) as error:
        outcome, text = "refused", str(error)
    except BaseException as error:
        outcome, text = type(error).__name__, str(error)
    seconds = time.process_time() - start
    return Verdict(outcome, text, seconds, _peak() - _state["peak"])


@contextmanager
def arena(door: str, sound: bytes) -> Iterator[Callable[[Iterable[bytes]], Iterator[Verdict]]]:
    """What tries files at a door, of which one is `sound`. A crash raises BrokenProcessPool."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, _begin, (door, sound)) as pool:

        def tried(files: Iterable[bytes]) -> Iterator[Verdict]:
            rest = iter(files)
            while some := list(islice(rest, _PER_TASK)):
                yield from pool.submit(_try, door, some).result(timeout=120)

        yield tried


def check(door: str, files: Iterable[tuple[str, bytes]], sound: bytes, *expected: str) -> int:
    """Assert of every file that it is refused by one line, or decoded to what can be expected.

    In time, and in little memory. Returns how many were refused.
    """
    num_refused, names = 0, []

    def contents() -> Iterator[bytes]:
        for name, data in files:
            names.append(name)
            yield data

    with arena(door, sound) as tried:
        for i, verdict in enumerate(tried(contents())):
            what = f"{names[i]}: {verdict}"
            assert verdict.outcome in ("refused", "decoded"), what
            if verdict.outcome == "refused":
                num_refused += 1
                assert verdict.text, what
                assert "\n" not in verdict.text, what
                assert len(verdict.text) < 300, what
            else:
                assert verdict.text in expected, what
            assert verdict.seconds < MOST_SECONDS, what
            assert verdict.num_bytes < MOST_BYTES, what
    assert names
    return num_refused
