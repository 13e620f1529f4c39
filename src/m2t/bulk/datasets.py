"""Compression as a function over Ray's datasets: rows with pictures become rows with .m2t files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..work import Compression
from .batches import Maker
from .ledger import SCHEMA

if TYPE_CHECKING:
    from ray.data import Dataset

    from ..config import Lossless, Tune
    from ..target import Target

_COLUMNS = ("width", "height", "bpp", "quality", "tune", "lossless", "model")
_COLUMNS += ("sha256", "latents_sha256", "seconds", "error")


def compress_dataset(
    ds: "Dataset",
    quality: "int | Target" = 50,
    *,
    tune: "Tune | None" = None,
    effort: int = 1,
    layers: int = 1,
    lossless: "Lossless" = "auto",
    model: str | None = None,
    column: str = "bytes",
    batch_size: int = 16,
    num_workers: int | None = None,
) -> "Dataset":
    """A dataset whose `column`, files of pictures (JPEG, PNG, ...), has become one of .m2t files.

        pictures = ray.data.read_binary_files("s3://bucket/photos", include_paths=True)
        m2t.bulk.compress_dataset(pictures, quality=50).write_parquet("s3://bucket/archive")

    It is as lazy as others, and keeps all other columns. The new ones are `m2t`, the bytes that
    m2t.compress makes, each verified by decoding it; width, height, bpp, quality, tune,
    lossless, model, sha256 (of the picture's file), latents_sha256, seconds; and `error`, one line,
    for a picture that fails: its `m2t` is null then, and the others go on.

    Args:
        ds: a ray.data.Dataset.
        quality: 1 to 100, or a Target; `tune`, `effort`, `layers` and `lossless` are as in
            Codec.compress.
        model: name or path of weights; a path is one on each machine.
        column: of the pictures; binary.
        batch_size: pictures that a worker holds at a time.
        num_workers: at most so many, each on a CPU; None: as many as Ray finds best.
    """
    from ray.data import ActorPoolStrategy

    compression = Compression(quality, tune, effort, layers, lossless, model=model)
    return ds.map_batches(
        _Compressor,
        fn_constructor_args=(compression, column),
        batch_format="pyarrow",
        batch_size=batch_size,
        compute=ActorPoolStrategy(min_size=1, max_size=num_workers),
        num_cpus=1,
    )


class _Compressor:
    def __init__(self, compression: Compression, column: str) -> None:
        self.maker, self.column = Maker(compression.load), column

    def __call__(self, table: pa.Table) -> pa.Table:
        rows = list(self._rows(table.column(self.column).to_pylist()))
        table = table.drop_columns([self.column])
        made = pa.array([row["m2t"] for row in rows], pa.large_binary())
        table = table.append_column("m2t", made)
        for name in _COLUMNS:
            values = pa.array([row.get(name) for row in rows], SCHEMA.field(name).type)
            table = table.append_column(name, values)
        return table

    def _rows(self, pictures: list[bytes | None]) -> Iterator[dict[str, Any]]:
        for picture in pictures:
            outcome = self.maker.make(picture or b"")
            yield {**outcome.row, "m2t": outcome.result, "error": outcome.error}
