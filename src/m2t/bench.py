"""How fast a codec is on this machine: both directions as a whole, and where their time goes.

The whole is timed as a user meets it, with all threads and nothing in between. The stages are timed
on one thread: windows are coded in threads, where the seconds of the network and of the coder
overlap and would add up to more than went by. So the stages tell shares; their sum is not the
whole, unless that has one thread as well.
"""

import io
import math
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .codec import Codec
from .coding import Coded
from .config import Aim, Tune
from .container import parse_header
from .encoder.refine import DEFAULT_EFFORT
from .geometry.windows import Latents, Window
from .image import Picture, from_picture, open_image, save_image, to_picture
from .progress import Meter
from .rans import Coder, Mixture
from .timing import Stopwatch, one_thread

IMAGE_STAGES = ("read_image", "write_image")
"""Stages about the image's own file, JPEG or PNG: timed, but no part of the whole."""
REST = "rest"
"""The stage of all that a codec does in no other: conversion of the picture, its alpha, checksums,
the container."""
OCTAVES = ((192, 0.8, 3), (48, 0.35, 3), (12, 0.2, 1), (3, 0.1, 1))
"""What a photograph() is a sum of: pixels between random values, contrast, channels."""

Result = TypeVar("Result")


class TimedCoder(Generic[Result]):
    """A coder whose time is a stage of its own."""

    def __init__(self, coder: Coder[Result], stage: Callable[[], Any]) -> None:
        self.coder, self.stage = coder, stage

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """See Coder."""
        with self.stage():
            return self.coder.code(symbols, mixture)

    def finish(self) -> Result:
        """See Coder."""
        with self.stage():
            return self.coder.finish()


class TimedCodec(Codec):
    """A codec on one thread, whose parts are stages of a stopwatch."""

    def __init__(self, codec: Codec, watch: Stopwatch) -> None:
        super().__init__(codec.transforms, codec.network, codec.identity, num_threads=1)
        self.watch = watch

    def analyse(self, picture: Picture, aim: Aim, meter: Meter | None = None) -> Latents:
        """See Codec."""
        with self.watch("analysis"):
            return super().analyse(picture, aim, meter)

    def refined(
        self,
        picture: Picture,
        y_hat: Latents,
        aim: Aim,
        effort: int = DEFAULT_EFFORT,
        meter: Meter | None = None,
        windows: Sequence[Window] | None = None,
    ) -> Latents:
        """See Codec."""
        with self.watch("refinement"):
            return super().refined(picture, y_hat, aim, effort, meter, windows)

    def synthesise(
        self,
        y_hat: Latents,
        height: int,
        width: int,
        aim: Aim,
        meter: Meter | None = None,
    ) -> NDArray[np.uint8]:
        """See Codec."""
        with self.watch("synthesis"):
            return super().synthesise(y_hat, height, width, aim, meter)

    def code(
        self,
        size: Sequence[int],
        aim: Aim,
        open_coder: Callable[[int], Coder[Result]],
        y_hat: Latents | None = None,
        *args: Any,
        **options: Any,
    ) -> Coded[Result]:
        """See Codec. What refinement runs of the network is part of its own stage."""
        if self.watch.stage == "refinement":
            return super().code(size, aim, open_coder, y_hat, *args, **options)
        stage = partial(self.watch, "range_decoder" if y_hat is None else "range_coder")

        def open_timed(i: int) -> Coder[Result]:
            return TimedCoder(open_coder(i), stage)

        with self.watch("entropy_network"):
            return super().code(size, aim, open_timed, y_hat, *args, **options)


def sample(data: bytes | None = None, megapixels: float | None = None) -> bytes:
    """An image file to measure with: `data`, or one of photograph() where there are none.

    With `megapixels` (10^6 pixels; a photograph has 1 by default) an image is resized to that area,
    its aspect kept, and becomes a PNG. Raises ImageError.
    """
    if data is None:
        image = photograph(*_sides(3, 2, 1.0 if megapixels is None else megapixels))
    elif megapixels is None:
        return data
    else:
        image = from_picture(to_picture(open_image(io.BytesIO(data))))  # upright, 8 bits
        image = image.resize(_sides(*image.size, megapixels), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    save_image(image, buffer, ".png")
    return buffer.getvalue()


def photograph(width: int, height: int) -> Image.Image:
    """What passes for a photograph, the same one every time: smooth colours, grey texture."""
    rng = np.random.default_rng(0)
    pixels = np.full((height, width, 3), 127.5, np.float32)
    for cell, contrast, channels in OCTAVES:
        shape = (height // cell + 2, width // cell + 2, channels)
        field = rng.integers(0, 256, shape, dtype=np.uint8)
        smooth = Image.fromarray(field.squeeze(2) if channels == 1 else field)
        smooth = smooth.resize((width, height), Image.Resampling.BICUBIC)
        pixels += contrast * (np.asarray(smooth, np.float32).reshape(height, width, -1) - 127.5)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _sides(width: int, height: int, megapixels: float) -> tuple[int, int]:
    """Width and height of that area in the same proportion."""
    scale = math.sqrt(megapixels * 1e6 / (width * height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def measure(
    codec: Codec,
    data: bytes,
    quality: int = 50,
    tune: Tune | None = None,
    effort: int = DEFAULT_EFFORT,
    runs: int = 10,
    warmup: int = 2,
) -> dict[str, Any]:
    """Time compressing the image file `data`, and decompressing what becomes of it.

    All times are medians over `runs`, after `warmup` runs that do not count. Raises ImageError.

    Returns facts ready for JSON. Of each direction, "encode" and "decode":
        seconds: of Codec.compress() from an image in memory to the bytes of a file, or of
            Codec.decompress() back, with the threads that the codec has ("num_threads").
        megapixels_per_second: 10^6 pixels by those seconds.
        stage_seconds: stage -> seconds on one thread; all but IMAGE_STAGES make up the same work.
            The entropy network's include what feeds it: windows, order of tokens, masks. Those of
            REST, which come last, are what the codec does besides.
    What Linux alone tells, else None:
        processor: its name.
        loaded_bytes: resident before the first run, with all imports and the model.
        peak_bytes: the most that was resident from the process's start to the last whole run.
    """
    loaded = _resident("VmRSS")
    image = open_image(io.BytesIO(data))
    options = {"quality": quality, "tune": tune, "effort": effort, "lossless": "never"}
    make = partial(codec.compress, image, **options)
    file = make()
    medians = partial(_medians, runs=runs, warmup=warmup)
    compress = medians(partial(_whole, make))["whole"]
    decompress = medians(partial(_whole, lambda: codec.decompress(file)))["whole"]
    peak = _resident("VmHWM")
    alone = codec.on_threads(1)
    with one_thread():
        # Made again: in floating point, only as many threads decode alike.
        again = alone.compress(image, **options)
        encode = medians(partial(_encode, alone, data, options))
        decode = medians(partial(_decode, alone, again))
    header = parse_header(file)
    num_pixels = header.width * header.height
    return {
        "width": header.width,
        "height": header.height,
        "bytes": len(file),
        "bpp": 8 * len(file) / num_pixels,
        "quality": quality,
        "tune": header.aim.tune,
        "effort": effort,
        "model": codec.identity.hex(),
        "operations": codec.network.name,
        "processor": _from_linux("cpuinfo", "model name"),
        "num_threads": codec.num_threads,
        "runs": runs,
        "warmup": warmup,
        "encode": _direction(compress, encode, num_pixels),
        "decode": _direction(decompress, decode, num_pixels),
        "loaded_bytes": loaded,
        "peak_bytes": peak,
    }


def _direction(seconds: float, stages: dict[str, float], num_pixels: int) -> dict[str, Any]:
    seconds = round(seconds, 6)  # the speed is that of the seconds told
    names = sorted(stages, key=lambda stage: stage == REST)
    return {
        "seconds": seconds,
        "megapixels_per_second": round(num_pixels / 1e6 / seconds, 3),
        "stage_seconds": {name: round(stages[name], 6) for name in names},
    }


def _medians(work: Callable[[Stopwatch], None], runs: int, warmup: int) -> dict[str, float]:
    """The median seconds of each stage of `work`."""
    watches = [Stopwatch() for _ in range(warmup + runs)]
    for watch in watches:
        work(watch)
    counted = [watch.seconds for watch in watches[warmup:]]
    return {stage: statistics.median(run[stage] for run in counted) for stage in counted[0]}


def _whole(work: Callable[[], object], watch: Stopwatch) -> None:
    with watch("whole"):
        work()


def _encode(codec: Codec, data: bytes, options: dict[str, Any], watch: Stopwatch) -> None:
    """An image file to an .m2t file."""
    with watch("read_image"):
        image = open_image(io.BytesIO(data))
    with watch(REST):
        TimedCodec(codec, watch).compress(image, **options)


def _decode(codec: Codec, file: bytes, watch: Stopwatch) -> None:
    """An .m2t file to a PNG."""
    with watch(REST):
        image = TimedCodec(codec, watch).decompress(file)
    with watch("write_image"):
        save_image(image, io.BytesIO(), ".png")


def _resident(key: str) -> int | None:
    """Bytes of this process in memory: now (VmRSS) or at most (VmHWM); None except on Linux.

    getrusage() would not do: after fork and exec, its maximum may be the parent's.
    """
    found = _from_linux("self/status", key)
    return None if found is None else 1024 * int(found.removesuffix(" kB"))


def _from_linux(name: str, key: str) -> str | None:
    """What "key: value" in a file of /proc has; None where there is no such line or file."""
    try:
        lines = Path("/proc", name).read_text().splitlines()
    except OSError:
        return None
    return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}.get(key)
