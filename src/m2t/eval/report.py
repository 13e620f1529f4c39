"""The report: one HTML file that needs nothing besides."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
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
from .measure import Photo
from .metrics import bpp, load_rgb, psnr
from .results import Result, versions
from .table import COLUMNS, percent

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
    points = result.curve.points
    columns = {k: v for k, v in COLUMNS.items() if all(getattr(p, k) is not None for p in points)}
    rows = [
        [p.param, *(form.format(getattr(p, k)) for k, (_, form) in columns.items())] for p in points
    ]
    return {
        "codec": result.curve.codec,
        "head": [head for head, _ in columns.values()],
        "rows": rows,
    }


def _images(found: Evaluation) -> dict[str, Any]:
    """Each image at one setting, and its BD-rates against what was measured on it too."""
    first = found.first
    param = first.curve.points[len(first.curve.points) // 2].param
    rivals = {r.curve.codec: r for r in found.others.values() if r.rows}
    rows = []
    for row in first.rows:
        if row.param != param:
            continue
        rates = [image_rate(first, rival, row.image) for rival in rivals.values()]
        rows.append(
            [
                row.image,
                f"{row.bpp:.3f}",
                f"{row.psnr:.2f}",
                "–" if row.ms_ssim is None else f"{row.ms_ssim:.4f}",
                *("–" if rate is None else percent(rate) for rate in rates),
            ]
        )
    return {"param": param, "rivals": list(rivals), "rows": rows}


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
