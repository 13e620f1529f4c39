"""A whole evaluation: measure codecs on a folder of images, and compare them.

What it leaves in a folder: CODEC.json for each codec, and the journals that a later run goes on
from. report.py adds the pictures and the report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..atomic import remove_leftovers
from ..timing import one_thread
from .codec import Codec
from .compare import Comparison, comparisons
from .journal import Journal
from .judges import DEFAULT, MetricName, require_metrics
from .measure import (
    Failure,
    Photo,
    Stage,
    perform,
    photos_of,
    quality_of,
    rows_of,
    tasks_of,
    time_of,
)
from .results import Curve, Result, Row, load_anchors, mean_points, save_result, versions


@dataclass(frozen=True)
class Options:
    """What to measure, and where to put it."""

    dataset: Path
    """Folder of images."""
    out: Path
    name: str
    """Of the dataset, in results."""
    jobs: int = 1
    """Images at a time; times are always taken one by one."""
    timing: bool = True
    metrics: tuple[MetricName, ...] = DEFAULT
    """Besides PSNR, which always is."""
    anchors: Path | None = None
    """Folder of further results to compare with."""
    limit: int | None = None
    """Only that many images."""
    command: str = ""
    """Kept with the results."""


@dataclass(frozen=True)
class Evaluation:
    """What was found. The first codec is the one that is compared with all others."""

    options: Options
    photos: list[Photo]
    results: dict[str, Result]
    """Of the codecs measured, in their order, by name."""
    others: dict[str, Result]
    """All that the first one is compared with."""
    compared: list[Comparison]
    failures: list[Failure]

    @property
    def first(self) -> Result:
        """The result that is compared with the others."""
        return next(iter(self.results.values()))

    @property
    def leading(self) -> MetricName:
        """The metric that others step back behind: SSIMULACRA2, where it was measured."""
        known = all(point.ssimulacra2 is not None for point in self.first.curve.points)
        return "ssimulacra2" if known else "psnr"

    def entries(self, metric: MetricName) -> list[Comparison]:
        """The comparisons by a metric that follow the points, over all they have in common."""
        wanted = (metric, "pchip", None)
        return [e for e in self.compared if (e.metric, e.method, e.floor) == wanted]


def evaluate(options: Options, codecs: Sequence[Codec]) -> Evaluation:
    """Measure, compare, and write what was found.

    Raises ImageError where there are no images, ConfigError where options.out holds something else
    or a metric's program is not installed. With options.jobs above 1, processes import the main
    module: a script calls this under `if __name__ == "__main__"`.
    """
    require_metrics(options.metrics)
    remove_leftovers(options.out)
    photos, failures = photos_of(options.dataset, options.limit)
    tasks = tasks_of(codecs, photos)
    stages = [_stage(options, "quality", ("num_bytes", "psnr", *options.metrics), quality_of)]
    with one_thread():
        failures += perform(tasks, stages[0], options.jobs)
        if options.timing:
            fields = ("encode_seconds", "decode_seconds")
            stages.append(_stage(options, "timing", fields, time_of))
            failures += perform(tasks, stages[1])
    rows = rows_of(tasks, *stages)
    results = {
        codec.name: _result(codec, options.name, rows[codec.name])
        for codec in codecs
        if codec.name in rows
    }
    found = _compare(options, photos, results, failures)
    _save(found)
    return found


def _stage(options: Options, title: str, fields: tuple[str, ...], measure: Any) -> Stage:
    return Stage(title, fields, measure, Journal(options.out / f"{title}.jsonl"))


def _result(codec: Codec, dataset: str, rows: Sequence[Row]) -> Result:
    num_images = len({row.image for row in rows})
    source = f"measured, {num_images} image{'s' if num_images > 1 else ''}"
    return Result(Curve(codec.label, dataset, source, mean_points(rows)), tuple(rows))


def _compare(
    options: Options, photos: list[Photo], results: dict[str, Result], failures: list[Failure]
) -> Evaluation:
    if not results:
        return Evaluation(options, photos, {}, {}, [], failures)
    first, *rest = results
    images = {row.image for row in results[first].rows}
    anchors = load_anchors(options.anchors, options.name) if options.anchors else {}
    others = _comparable(anchors, images, options.limit is None) | {n: results[n] for n in rest}
    others.pop(first, None)
    compared = comparisons(results[first].curve.points, others)
    return Evaluation(options, photos, results, others, compared, failures)


def _comparable(anchors: Mapping[str, Result], images: set[str], whole: bool) -> dict[str, Result]:
    """Anchors whose means are over the same images; of published ones, that is taken on trust."""
    found = {}
    for name, anchor in anchors.items():
        rows = tuple(row for row in anchor.rows if row.image in images)
        if rows and {row.image for row in rows} == images:
            found[name] = Result(replace(anchor.curve, points=mean_points(rows)), rows)
        elif whole and not anchor.rows:
            found[name] = anchor
    return found


def _save(found: Evaluation) -> None:
    options = found.options
    for name, result in found.results.items():
        compared = [asdict(entry) for entry in found.compared] if result is found.first else []
        save_result(
            options.out / f"{name}.json",
            result.curve,
            result.rows,
            **({"bd_rates": compared} if compared else {}),
            versions=versions(),
            command=options.command,
        )
