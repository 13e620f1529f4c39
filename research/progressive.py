"""What is seen while a file arrives, beside progressive JPEG; and what layers cost.

    python -m research.progressive --kodak FOLDER [--images N] --out results/progressive.json

Each picture is m2t files at quality 50, and the smallest progressive JPEG of at least their
SSIMULACRA2. These are cut after a part of their bytes and judged against the original, as grey
before there is a picture. Whether Pillow's plugin for JPEG XL shows what is cut is tried.
"""

import argparse
import io
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from m2t.codec import Codec
from m2t.container import parse
from m2t.container.layers import DEFAULT_LAYERS
from m2t.eval.anchors import CODECS
from m2t.eval.judges import METRICS, MetricName, require_metrics
from m2t.eval.metrics import load_rgb
from m2t.eval.results import versions, write_record

from .command_line import command_line

QUALITY = 50
SHOWN = (DEFAULT_LAYERS, 12)
"""Numbers of layers whose pictures are judged."""
COSTS = (2, 3, 4, 5, 6, 12)
"""Numbers of layers whose cost is told."""
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of a JPEG's bytes."""
JUDGES: tuple[MetricName, ...] = ("psnr", "ssimulacra2")
Pixels = np.ndarray
Facts = dict[str, float]


def main() -> None:
    """Write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kodak", type=Path, required=True, help="Folder of the Kodak images.")
    parser.add_argument("--images", type=int, help="How many, evenly chosen.  [default: all]")
    parser.add_argument("--out", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    require_metrics(JUDGES)
    paths = sorted(options.kodak.glob("*.png"))
    count = options.images or len(paths)
    paths = [paths[i * len(paths) // count] for i in range(count)]
    codec = Codec.load()
    sizes: dict[int, int] = defaultdict(int)
    curves: dict[str, list[list[Facts]]] = defaultdict(list)
    for path in paths:
        rgb = load_rgb(path)
        files = {n: codec.compress(rgb, QUALITY, layers=n) for n in (1, *COSTS)}
        for num_layers, data in files.items():
            sizes[num_layers] += len(data)
        found = {f"m2t, {n} layers": m2t_curve(codec, files[n], rgb) for n in SHOWN}
        aim = judged(codec.decompress(files[1]), rgb)["ssimulacra2"]
        for name, curve in (found | {"progressive JPEG": jpeg_curve(rgb, aim)}).items():
            curves[name].append(curve)
    write_record(
        options.out,
        schema=1,
        images=[path.name for path in paths],
        quality=QUALITY,
        points=[point for name, some in curves.items() for point in averaged(name, some)],
        jpeg_xl_shows_what_is_cut=shows_jpeg_xl(load_rgb(paths[0])),
        costs=[
            {"layers": n, "bytes": sizes[n], "percent": round(100 * (sizes[n] / sizes[1] - 1), 3)}
            for n in (1, *COSTS)
        ],
        versions=versions(),
        command=command_line("research.progressive", options.kodak, options.out),
    )


def m2t_curve(codec: Codec, data: bytes, rgb: Pixels) -> list[Facts]:
    """The picture after each layer of a file."""
    return [
        {"bytes": end, "share": end / len(data), **judged(codec.decompress(data, upto=i), rgb)}
        for i, end in enumerate(parse(data).ends, 1)
    ]


def jpeg_curve(rgb: Pixels, aim: float) -> list[Facts]:
    """The picture after each share of the smallest JPEG with a SSIMULACRA2 of at least `aim`."""
    low, high = 1, 100
    while low < high:
        middle = (low + high) // 2
        score = judged(Image.open(io.BytesIO(jpeg(rgb, middle))), rgb)["ssimulacra2"]
        low, high = (low, middle) if score >= aim else (middle + 1, high)
    data = jpeg(rgb, low)
    return [
        {"bytes": num_bytes, "share": share, **judged(shown(data[:num_bytes], rgb), rgb)}
        for share, num_bytes in ((share, round(share * len(data))) for share in SHARES)
    ]


def jpeg(rgb: Pixels, quality: int) -> bytes:
    """A progressive JPEG, 4:2:0."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, progressive=True, optimize=True)
    return file.getvalue()


@contextmanager
def truncated_images() -> Iterator[None]:
    """Pillow shows what there is of a file."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def cut_off(data: bytes) -> Image.Image:
    """The picture of the first bytes of a file, as RGB; OSError where Pillow shows none."""
    with truncated_images():
        return Image.open(io.BytesIO(data)).convert("RGB")


def shown(data: bytes, rgb: Pixels) -> Image.Image:
    """The same, and grey where there is none."""
    try:
        return cut_off(data)
    except OSError:
        return Image.new("RGB", (rgb.shape[1], rgb.shape[0]), "grey")


def shows_jpeg_xl(rgb: Pixels) -> bool | None:
    """Whether there is a picture of 90 % of a JPEG XL file; None: there is no plugin."""
    codec = CODECS["jxl"]
    if codec.missing():
        return None
    data = codec.encode(Image.fromarray(rgb), 60)
    try:
        cut_off(data[: len(data) * 9 // 10])
    except Exception:  # of whatever kind: the plugin has its own
        return False
    return True


def judged(image: Image.Image, rgb: Pixels) -> Facts:
    """How near a picture is to the original."""
    pixels = np.asarray(image.convert("RGB"))
    return {name: METRICS[name].measure(rgb, pixels) or 0.0 for name in JUDGES}


def averaged(name: str, curves: list[list[Facts]]) -> list[dict[str, Any]]:
    """The means over pictures, point by point."""
    return [
        {"codec": name} | {key: round(fmean(its[key] for its in some), 4) for key in some[0]}
        for some in zip(*curves, strict=True)
    ]


if __name__ == "__main__":
    main()
