"""What parts of a picture and small pictures take, and how near small ones are to the whole.

    python -m research.speed.views IMAGE FOLDER --out results/views.json

IMAGE is resized to 12 megapixels for the seconds; small pictures are compared on the PNG files of
FOLDER. Seconds are those of a processor, on one thread, with the model loaded.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

import m2t
import m2t.image
from m2t.bench import sample
from m2t.eval.metrics import psnr
from m2t.eval.results import versions, write_record

from ..command_line import command_line

Result = TypeVar("Result")

MEGAPIXELS = 12.0
QUALITIES = (10, 50)
SCALES = (2, 4, 8)
SIDE = 512
"""Of the part, in pixels; it lies in the middle."""


def main() -> None:
    """Time parts and small pictures, and compare the latter with the whole made small."""
    parser = argparse.ArgumentParser(prog="python -m research.speed.views", description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    codec = m2t.load(num_threads=1)
    large = Image.open(io.BytesIO(sample(args.image.read_bytes(), MEGAPIXELS)))
    pictures = [Image.open(path) for path in sorted(args.folder.glob("*.png"))]
    write_record(
        args.out,
        seconds=seconds(codec, large, args.runs),
        psnr=[likeness(codec, pictures, quality) for quality in QUALITIES],
        versions=versions(),
        command=command_line("research.speed.views", args.image, args.folder),
    )


def seconds(codec: m2t.Codec, image: Image.Image, runs: int) -> list[dict[str, Any]]:
    """Rows: what is asked for, and the median of what it takes."""
    data = codec.compress(image, effort=0)
    middle = ((image.width - SIDE) // 2, (image.height - SIDE) // 2, SIDE, SIDE)
    views: dict[str, Callable[[], Image.Image]] = {
        "whole": lambda: codec.decompress(data),
        f"region of {SIDE}x{SIDE}": lambda: codec.decompress(data, region=middle),
        "scale 1/2": lambda: codec.decompress(data, scale=2),
        "scale 1/4": lambda: codec.decompress(data, scale=4),
        "scale 1/8": lambda: codec.decompress(data, scale=8),
    }
    rows = []
    for name, view in views.items():
        decoding, shown = zip(*(timed(view) for _ in range(runs)), strict=True)
        writing = [timed(partial(as_png, shown[0]))[0] for _ in range(runs)]
        rows.append(
            {
                "view": name,
                "pixels": shown[0].width * shown[0].height,
                "seconds": round(statistics.median(decoding), 3),
                "png_seconds": round(statistics.median(writing), 3),
            }
        )
    return rows


def timed(action: Callable[[], Result]) -> tuple[float, Result]:
    """What a call takes of processors, for other processes hardly matter; and what it returns."""
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def as_png(image: Image.Image) -> None:
    """Written as `m2t decompress` does."""
    m2t.image.save_image(image, io.BytesIO())


def likeness(codec: m2t.Codec, images: Sequence[Image.Image], quality: int) -> dict[str, Any]:
    """PSNR of small pictures to what Pillow makes of the whole: mean and least, by scale."""
    found: dict[str, dict[str, list[float]]] = {}
    for image in images:
        data = codec.compress(image, quality)
        whole = codec.decompress(data)
        for scale in SCALES:
            small = codec.decompress(data, scale=scale)
            lanczos = whole.resize(small.size, Image.Resampling.LANCZOS)
            row = found.setdefault(f"1/{scale}", {"box": [], "lanczos": []})
            row["box"].append(min(psnr(small, whole.reduce(scale)), 100.0))
            row["lanczos"].append(min(psnr(small, lanczos), 100.0))
    summary = {
        scale: {
            name: {"mean": round(statistics.mean(values), 2), "least": round(min(values), 2)}
            for name, values in row.items()
        }
        for scale, row in found.items()
    }
    return {"quality": quality, "images": len(images), **summary}


if __name__ == "__main__":
    main()
