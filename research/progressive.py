"""What is seen while a file arrives, beside progressive JPEG; and what layers cost.

    python -m research.progressive --kodak FOLDER [--images N] --out results/progressive.json
    python -m research.progressive --table results/progressive.json

Each picture is m2t files at quality 50, and the smallest progressive JPEG of at least their
SSIMULACRA2, of qualities that are multiples of 5. These are cut after a part of their bytes and
judged against the original, as grey before there is a picture. Judging takes most of the time, so
each picture is judged once. Whether Pillow's plugin for JPEG XL shows what is cut is tried.
"""

import argparse
import io
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from m2t.codec import Codec
from m2t.config import Aim
from m2t.container import parse
from m2t.container.layers import DEFAULT_LAYERS
from m2t.encoder.refine import DEFAULT_EFFORT
from m2t.encoding import Encoding
from m2t.eval.anchors import CODECS
from m2t.eval.judges import METRICS, MetricName, require_metrics
from m2t.eval.metrics import load_rgb
from m2t.eval.results import versions, write_record
from m2t.image import to_picture
from m2t.streams import Block

from .command_line import command_line

QUALITY = 50
SHOWN = (DEFAULT_LAYERS,)
"""Numbers of layers whose pictures are judged."""
COSTS = (2, 4, 12)
"""Numbers of layers whose cost is told."""
SHARES = (0.05, 0.1, 0.2, 0.4)
"""Of a JPEG's bytes, before all of them."""
JPEG_QUALITIES = range(5, 101, 5)
JUDGES: tuple[MetricName, ...] = ("psnr", "ssimulacra2")
Pixels = np.ndarray
Facts = dict[str, float]


def main() -> None:
    """Write the numbers, or print those that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kodak", type=Path, help="Folder of the Kodak images.")
    parser.add_argument("--images", type=int, help="How many, evenly chosen.  [default: all]")
    parser.add_argument("--out", type=Path, help="JSON")
    parser.add_argument("--table", type=Path, metavar="JSON", help="Print docs/progressive.md's.")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(options.table.read_text())))
        return
    if not (options.kodak and options.out):
        parser.error("--kodak and --out are needed, or --table")
    require_metrics(JUDGES)
    paths = sorted(options.kodak.glob("*.png"))
    count = options.images or len(paths)
    paths = [paths[i * len(paths) // count] for i in range(count)]
    codec = Codec.load()
    sizes: dict[int, int] = defaultdict(int)
    curves: dict[str, list[list[Facts]]] = defaultdict(list)
    for path in paths:
        rgb = load_rgb(path)
        files = m2t_files(codec, rgb, {1, *COSTS, *SHOWN})
        for num_layers, data in files.items():
            sizes[num_layers] += len(data)
        found = {f"m2t, {n} layers": m2t_curve(codec, files[n], rgb) for n in SHOWN}
        aim = found[f"m2t, {SHOWN[0]} layers"][-1]["ssimulacra2"]
        for name, curve in (found | {"progressive JPEG": jpeg_curve(rgb, aim)}).items():
            curves[name].append(curve)
        print(f"{path.name}: done", flush=True)
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


def m2t_files(codec: Codec, rgb: Pixels, numbers: Iterable[int]) -> dict[int, bytes]:
    """The files of each number of layers: their tokens are the same, and found once."""
    picture, aim = to_picture(rgb), Aim(QUALITY, codec.config.rate.default_tune)
    y_hat = codec.tokens(picture, aim)
    block = Block(y_hat, codec.windows(y_hat.shape[:2]))
    return {
        n: Encoding(codec, picture, aim.tune, DEFAULT_EFFORT, n).pack([block], aim)
        for n in sorted(numbers)
    }


def m2t_curve(codec: Codec, data: bytes, rgb: Pixels) -> list[Facts]:
    """The picture after each layer of a file."""
    return [
        {"bytes": end, "share": end / len(data), **judged(codec.decompress(data, upto=i), rgb)}
        for i, end in enumerate(parse(data).ends, 1)
    ]


def jpeg_curve(rgb: Pixels, aim: float) -> list[Facts]:
    """The picture after each share of the smallest JPEG with a SSIMULACRA2 of at least `aim`."""
    found: dict[int, tuple[bytes, Facts]] = {}

    def score(quality: int) -> float:
        data = jpeg(rgb, quality)
        found[quality] = data, judged(Image.open(io.BytesIO(data)), rgb)
        return found[quality][1]["ssimulacra2"]

    i = bisect_left(JPEG_QUALITIES[:-1], aim, key=score)
    quality = JPEG_QUALITIES[i]
    if quality not in found:
        score(quality)
    data, whole = found[quality]
    ends = [(share, round(share * len(data))) for share in SHARES]
    curve = [
        {"bytes": end, "share": share, **judged(shown(data[:end], rgb), rgb)} for share, end in ends
    ]
    return [*curve, {"bytes": len(data), "share": 1.0, **whole}]


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


def table(record: Mapping[str, Any]) -> str:
    """The table of docs/progressive.md: points of a progressive file beside those of JPEG."""
    name = f"m2t, {DEFAULT_LAYERS} layers"
    ours = [point for point in record["points"] if point["codec"] == name]
    others = [point for point in record["points"] if point["codec"] == "progressive JPEG"]
    others = [point for point in others if point["share"] in (*SHARES, 1)]
    lines = [
        "| m2t, four layers: kB | PSNR | SSIMULACRA2 | JPEG: kB | PSNR | SSIMULACRA2 |",
        "|" + 6 * " ---: |",
    ]
    lines += [f"{_cells(a)}{_cells(b)}|" for a, b in zip_longest(ours, others)]
    return "\n".join(lines)


def _cells(point: Mapping[str, Any] | None) -> str:
    if point is None:
        return 3 * "| "
    size = f"{point['bytes'] / 1000:.1f} ({100 * point['share']:.0f} %)"
    score = f"{point['ssimulacra2']:.0f}".replace("-", "−")
    return f"| {size} | {point['psnr']:.1f} | {score} "


if __name__ == "__main__":
    main()
