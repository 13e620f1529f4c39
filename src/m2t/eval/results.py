"""Rate-distortion results on disk: one JSON schema for published and measured curves alike.

    {"codec": "", "dataset": "", "source": "", "points": [{"param": "", "bpp": 0.5, "psnr": 32.1}]}

A point is the mean over the images of a dataset. What is measured here also has "rows" (one per
image and point), "versions" and "command"; `python -m m2t.eval.kodak` adds a few more.
"""

import json
import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import features

from .. import __version__
from ..errors import ConfigError


@dataclass(frozen=True)
class Point:
    """Mean rate and quality at one setting of a codec."""

    param: str
    """The setting, such as "quality 50"."""
    bpp: float
    psnr: float
    """Mean of the images' PSNR in dB (not the PSNR of the mean error)."""


@dataclass(frozen=True)
class Row:
    """One image at one setting."""

    image: str
    param: str
    num_bytes: int
    bpp: float
    psnr: float


@dataclass(frozen=True)
class Curve:
    """A codec's points on a dataset, in ascending order of rate."""

    codec: str
    dataset: str
    source: str
    points: tuple[Point, ...]


def mean_points(rows: Sequence[Row]) -> tuple[Point, ...]:
    """The mean over images, for each setting."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.param, []).append(row)
    points = [
        Point(
            param,
            bpp=round(sum(row.bpp for row in group) / len(group), 6),
            psnr=round(sum(row.psnr for row in group) / len(group), 4),
        )
        for param, group in groups.items()
    ]
    return tuple(sorted(points, key=lambda point: point.bpp))


def save_result(path: Path, curve: Curve, rows: Iterable[Row] = (), **extra: Any) -> None:
    """Write a curve, the rows it is the mean of, and `extra` facts; lists one item a line."""
    record = {**asdict(curve), **extra, "rows": [asdict(row) for row in rows]}
    if not record["rows"]:
        del record["rows"]
    write_record(path, **record)


def write_record(path: Path, **record: Any) -> None:
    """Write facts as a JSON object; lists one item a line."""
    parts = [f" {json.dumps(key)}: {_lines(value)}" for key, value in record.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def _lines(value: Any) -> str:
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    return json.dumps(value)


def load_record(path: Path) -> dict[str, Any]:
    """All that save_result() wrote; ConfigError if the file is something else."""
    try:
        record = json.loads(path.read_text())
        _curve(record)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not a rate-distortion result ({error!r})") from error
    return record


def load_curve(path: Path) -> Curve:
    """The curve that save_result() wrote; ConfigError if the file is something else."""
    return _curve(load_record(path))


def _curve(record: dict[str, Any]) -> Curve:
    points = tuple(Point(**point) for point in record["points"])
    return Curve(record["codec"], record["dataset"], record["source"], points)


def load_anchors(folder: Path, dataset: str) -> dict[str, Curve]:
    """File stem -> curve, of those curves in `folder` that are on `dataset`."""
    curves = {path.stem: load_curve(path) for path in sorted(folder.glob("*.json"))}
    return {name: curve for name, curve in curves.items() if curve.dataset == dataset}


def versions() -> dict[str, str]:
    """What the numbers may depend on: packages, image libraries and the processor's kind."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "m2t": __version__}
    for package in ("torch", "numpy", "pillow"):
        found[package] = version(package)
    for library in ("libjpeg_turbo", "webp", "avif"):
        found[library] = str(features.version(library))
    return found


def command_line(module: str, images: Path | None = None) -> str:
    """The command that is running, a folder of images by its name alone."""
    words = [images.name if images and word == str(images) else word for word in sys.argv[1:]]
    return shlex.join(["python", "-m", module, *words])
