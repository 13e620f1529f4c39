"""The report: one HTML file that needs nothing besides."""

import base64
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from .anchors import CODECS
from .codec import Codec
from .compare import image_rate
from .draw import CAPTIONS, draw
from .evaluate import Evaluation
from .judges import METRICS
from .measure import Photo
from .metrics import bpp, load_rgb, psnr
from .results import Result, versions
from .table import COLUMNS, bd_columns, cell, columns_of, rate_cell

CROP_SIDE = 256
NUM_CROPS = 3
RIVALS = ("jpeg", "avif")


@dataclass(frozen=True)
class Tile:
    """One crop, and what stands under it."""

    label: str
    note: str
    picture: str
    """A data: URI."""


def write_report(found: Evaluation, codecs: Sequence[Codec]) -> Path:
    """Write the pictures and report.html into the evaluation's folder; return the report's path.

    `codecs` are those of found.results, in their order.
    """
    template = files("m2t.eval").joinpath("report.html").read_text()
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    first = found.first
    text = environment.from_string(template).render(
        dataset=found.options.name,
        num_images=len({row.image for row in first.rows}),
        codec=first.curve.codec,
        figures=[(CAPTIONS[path.stem], _uri(path.read_bytes(), "svg+xml")) for path in draw(found)],
        rates=_rates(found),
        curves=[_table(result) for result in found.results.values()],
        images=_images(found),
        crops=_crops(found, codecs[0]),
        failures=found.failures,
        versions=versions(),
        command=found.options.command,
    )
    path = found.options.out / "report.html"
    path.write_text(text)
    return path


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _table(result: Result) -> dict[str, Any]:
    """A codec's points."""
    points = [asdict(point) for point in result.curve.points]
    names = columns_of(points)
    return {
        "codec": result.curve.codec,
        "head": [COLUMNS[name][0] for name in names],
        "rows": [[point["param"], *(cell(point, name) for name in names)] for point in points],
    }


def _rates(found: Evaluation) -> dict[str, Any]:
    """BD-rates against all others, by all metrics."""
    heads, rates = bd_columns({"bd_rates": [asdict(entry) for entry in found.compared]})
    labels = {name: result.curve.codec for name, result in found.others.items()}
    rows = [[labels[name], *map(rate_cell, values)] for name, values in rates.items()]
    return {"head": heads, "rows": rows}


def _images(found: Evaluation) -> dict[str, Any]:
    """Each image at one setting, and its BD-rates against what was measured on it too."""
    first = found.first
    param = first.curve.points[len(first.curve.points) // 2].param
    rivals = {r.curve.codec: r for r in found.others.values() if r.rows}
    shown = [asdict(row) for row in first.rows if row.param == param]
    names = [name for name in columns_of(shown) if name == "bpp" or name in METRICS]
    rows = []
    for row in shown:
        rates = [image_rate(first, rival, row["image"], found.leading) for rival in rivals.values()]
        rows.append([row["image"], *(cell(row, name) for name in names), *map(rate_cell, rates)])
    return {
        "param": param,
        "head": [COLUMNS[name][0] for name in names],
        "rivals": list(rivals),
        "metric": METRICS[found.leading].label,
        "rows": rows,
    }


def _crops(found: Evaluation, codec: Codec) -> list[tuple[str, list[Tile]]]:
    """Some images by the first codec at a low rate, and by others at no more bytes."""
    setting = codec.settings[len(codec.settings) // 3]
    names = {row.image for row in found.first.rows}
    photos = [photo for photo in found.photos if photo.path.name in names]
    chosen = photos[:: -(-len(photos) // NUM_CROPS)]
    return [(photo.path.name, _tiles(photo, codec, setting)) for photo in chosen]


def _tiles(photo: Photo, codec: Codec, setting: float) -> list[Tile]:
    original = Image.fromarray(load_rgb(photo.path))
    ours = codec.encode(original, setting)
    tiles = [_tile("original", f"{photo.width}×{photo.height}", original)]
    rivals = [CODECS[name] for name in RIVALS if CODECS[name].missing() is None]
    for rival in rivals:
        if rival.name == codec.name:
            continue
        data = rival.at_size(original, len(ours))
        label = rival.label if data else f"{rival.label}, at its smallest"
        data = data or rival.encode(original, rival.lowest)
        tiles.append(_coded(label, original, data, rival))
    return [*tiles, _coded(f"{codec.label}, {codec.param(setting)}", original, ours, codec)]


def _coded(label: str, original: Image.Image, data: bytes, codec: Codec) -> Tile:
    image = codec.decode(data)
    rate = bpp(len(data), *original.size)
    return _tile(
        label, f"{len(data):,} bytes, {rate:.3f} bpp, {psnr(original, image):.2f} dB", image
    )


def _tile(label: str, note: str, image: Image.Image) -> Tile:
    left, top = ((side - CROP_SIDE) // 2 if side > CROP_SIDE else 0 for side in image.size)
    right, bottom = min(left + CROP_SIDE, image.width), min(top + CROP_SIDE, image.height)
    buffer = io.BytesIO()
    image.crop((left, top, right, bottom)).save(buffer, "WEBP", lossless=True)
    return Tile(label, note, _uri(buffer.getvalue(), "webp"))
