"""Rate-distortion results on disk: one JSON schema for published and measured curves alike.

    {"schema": 1, "codec": "", "dataset": "", "source": "",
     "points": [{"param": "", "bpp": 0.5, "psnr": 32.1}]}

A point is the mean over the images of a dataset. What is measured here also has "rows" (one per
image and point), "versions" and "command", and knows more metrics than a published curve.
docs/eval.md describes the fields.
"""

import json
import platform
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from PIL import features

from .. import __version__
from ..atomic import replacing
from ..errors import ConfigError

SCHEMA = 1
"""Version of all result files; raised whenever a field changes its meaning."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What may be known besides, as in judges.METRICS; None: not known."""

    psnr_y: float | None = None
    ms_ssim: float | None = None
    ssimulacra2: float | None = None
    butteraugli: float | None = None
    butteraugli_3: float | None = None
    flip: float | None = None
    encode_seconds: float | None = None
    """On one thread, from pixels to bytes."""
    decode_seconds: float | None = None


@dataclass(frozen=True)
class Point(Metrics):
    """Mean rate and quality at one setting of a codec."""

    param: str
    """The setting, such as "quality 50"."""
    bpp: float
    psnr: float
    """Mean of the images' PSNR in dB (not the PSNR of the mean error)."""


@dataclass(frozen=True)
class Row(Metrics):
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
    """"measured ..." or "published: ..."."""
    points: tuple[Point, ...]

    @property
    def published(self) -> bool:
        """Whether the numbers are someone else's."""
        return self.source.startswith("published")


@dataclass(frozen=True)
class Result:
    """A curve and what it is the mean of."""

    curve: Curve
    rows: tuple[Row, ...] = ()


def mean_points(rows: Sequence[Row]) -> tuple[Point, ...]:
    """The mean over images, for each setting; of a metric, where all images have it."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.param, []).append(row)
    optional = [field.name for field in fields(Metrics)]
    points = [
        Point(
            param,
            **{name: _mean(group, name, digits) for name, digits in (("bpp", 6), ("psnr", 4))},
            **{name: _mean(group, name, 6) for name in optional},
        )
        for param, group in groups.items()
    ]
    return tuple(sorted(points, key=lambda point: point.bpp))


def _mean(rows: Sequence[Row], name: str, digits: int) -> Any:
    values = [getattr(row, name) for row in rows]
    return None if None in values else round(sum(values) / len(values), digits)


def save_result(path: Path, curve: Curve, rows: Iterable[Row] = (), **extra: Any) -> None:
    """Write a curve, the rows it is the mean of, and `extra` facts; lists one item a line."""
    record: dict[str, Any] = {"schema": SCHEMA, **asdict(curve)}
    record["points"] = [known(point) for point in curve.points]
    record |= extra
    listed = [known(row) for row in rows]
    write_record(path, **record, **({"rows": listed} if listed else {}))


def known(item: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not None."""
    return {name: value for name, value in asdict(item).items() if value is not None}


def write_record(path: Path, **record: Any) -> None:
    """Write facts as a JSON object; lists one item a line."""
    parts = [f" {json.dumps(key)}: {_lines(value)}" for key, value in record.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def _lines(value: Any) -> str:
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    return json.dumps(value)


def check_schema(path: Path, record: Any) -> None:
    """ConfigError if what was read from `path` is of another schema version, or of none."""
    found = record.get("schema") if isinstance(record, dict) else None
    if found != SCHEMA:
        kind = "not a result file" if found is None else f"results of schema version {found}"
        raise ConfigError(f"{path}: {kind}; this m2t reads version {SCHEMA}")


def load_record(path: Path) -> dict[str, Any]:
    """All that save_result() wrote; ConfigError if the file is something else."""
    try:
        record = json.loads(path.read_text())
        check_schema(path, record)
        _result(record)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not a rate-distortion result ({error!r})") from error
    return record


def load_result(path: Path) -> Result:
    """The curve and the rows that save_result() wrote; ConfigError if it is something else."""
    return _result(load_record(path))


def load_curve(path: Path) -> Curve:
    """The curve that save_result() wrote; ConfigError if the file is something else."""
    return load_result(path).curve


def _result(record: dict[str, Any]) -> Result:
    points = tuple(Point(**point) for point in record["points"])
    curve = Curve(record["codec"], record["dataset"], record["source"], points)
    return Result(curve, tuple(Row(**row) for row in record.get("rows", ())))


def load_anchors(folder: Path, dataset: str) -> dict[str, Result]:
    """File stem -> result, of those in `folder` that are on `dataset`."""
    results = {path.stem: load_result(path) for path in sorted(folder.glob("*.json"))}
    return {name: result for name, result in results.items() if result.curve.dataset == dataset}


def versions() -> dict[str, str]:
    """What the numbers may depend on: packages, image libraries and the processor's kind."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "m2t": __version__}
    for package in ("torch", "numpy", "pillow"):
        with suppress(PackageNotFoundError):  # PyTorch, which only what learns needs
            found[package] = version(package)
    for library in ("libjpeg_turbo", "webp", "avif"):
        found[library] = str(features.version(library))
    return found
