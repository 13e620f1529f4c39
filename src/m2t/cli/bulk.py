"""`m2t bulk`: archives of pictures, on all cores of a machine or of a Ray cluster."""

from collections.abc import Callable, Collection
from contextlib import closing
from typing import Any

import click
from click.core import ParameterSource

from ..bulk.transcoding import Transcoding
from ..container.header import SUFFIX
from ..folders import PICTURES
from ..target import Target
from ..work import Compression, Decompression, Load, Verification, Wanted
from .compress import compression_options
from .options import max_pixels_option, require
from .report import Account, Tally


class Bulk(click.Group):
    """A group whose first command is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click.Group."""
        if args and args[0] not in (*self.commands, *self.get_help_option_names(ctx)):
            args = ["compress", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Bulk, short_help="Do archives of pictures, on a cluster as well.")
def bulk() -> None:
    """Compress archives of pictures, on all cores or on a Ray cluster: docs/cluster.md.

    `m2t bulk SRC DST` is `m2t bulk compress SRC DST`. SRC is a folder, a bucket as
    s3://bucket/folder, a pattern, or a manifest, a Parquet or CSV file with a column `path`. DST
    gets the same tree, and a ledger. The same command again goes on where a run was stopped.
    RAY_ADDRESS names the cluster; without it, an engine is started on this machine.
    """


def bulk_options(written: bool) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Add the arguments that `perform` takes to a click command."""
    decorators = [
        click.argument("source", metavar="SRC"),
        *([click.argument("destination", metavar="DST")] if written else []),
        click.option(
            "--ledger",
            metavar="URL",
            help=f"Folder of the ledger.  [default: {'DST/ledger' if written else 'none'}]",
        ),
        click.option(
            "-j", "--workers", type=click.IntRange(1), help="On a CPU each.  [default: all CPUs]"
        ),
        click.option(
            "--batch",
            type=click.IntRange(1),
            default=16,
            show_default=True,
            help="Files that a worker gets at once.",
        ),
        click.option("-f", "--force", is_flag=True, help="Do again what is done."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object per file."),
    ]
    if written:
        text = "Write tar files of so many results, as webdataset reads them."
        option = click.option("--shards", type=click.IntRange(1), metavar="N", help=text)
        decorators.append(option)

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


@bulk.command()
@bulk_options(written=True)
@compression_options
def compress(compression: Compression, **options: Any) -> int:
    """Compress pictures to .m2t files, each verified by decoding it."""
    wanted = compression.wanted(not options["force"])
    return perform(compression.load, SUFFIX, PICTURES, wanted=wanted, **options)


@bulk.command()
@bulk_options(written=True)
@click.option(
    "--format",
    "suffix",
    type=click.Choice(["png", "jpg", "webp", "ppm"]),
    default="png",
    show_default=True,
    help="Format of the pictures.",
)
@max_pixels_option
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those that a file names]")
def decompress(suffix: str, max_pixels: int, model: str | None, **options: Any) -> int:
    """Decompress .m2t files to pictures."""
    work = Decompression(f".{suffix}", model, {"max_pixels": max_pixels})
    wanted = Wanted({"format": suffix, "model": model})
    return perform(work.load, work.suffix, [SUFFIX], wanted=wanted, **options)


@bulk.command()
@bulk_options(written=True)
@compression_options
@click.option(
    "--from-model", metavar="NAME|PATH", help="Weights of SRC.  [default: those that a file names]"
)
@click.pass_context
def transcode(
    ctx: click.Context, compression: Compression, from_model: str | None, **options: Any
) -> int:
    """Make .m2t files of another model, or of another quality, into those of one.

    Quality and tune stay those of each file where none are given. A file that is already as it
    should be is taken over, byte for byte.
    """
    unsaid = ctx.get_parameter_source("quality") is ParameterSource.DEFAULT
    keeps_quality = unsaid and not isinstance(compression.quality, Target)
    work = Transcoding(compression, keeps_quality, from_model)
    wanted = work.wanted(not options["force"])
    return perform(work.load, SUFFIX, [SUFFIX], wanted=wanted, **options)


@bulk.command()
@bulk_options(written=False)
@max_pixels_option
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those that a file names]")
def verify(max_pixels: int, model: str | None, **options: Any) -> int:
    """Decode the tokens of .m2t files, and write nothing but a ledger."""
    return perform(Verification(model, max_pixels).load, None, [SUFFIX], **options)


def perform(
    load: Load,
    suffix: str | None,
    among: Collection[str],
    *,
    source: str,
    ledger: str | None,
    workers: int | None,
    batch: int,
    force: bool,
    as_json: bool,
    destination: str | None = None,
    shards: int | None = None,
    **further: Any,
) -> int:
    """Do an archive, and return the exit code; see bulk.run."""
    if shards is not None and force:
        raise click.UsageError("--shards and --force exclude each other: name another DST.")
    require("ray", "fsspec", "pyarrow", advice="'m2t[cluster]'")
    from ..bulk.run import Options, run

    options = Options(
        source,
        destination,
        suffix,
        among,
        ledger=ledger,
        overwrite=suffix == SUFFIX,
        force=force,
        num_workers=workers,
        batch_size=batch,
        shard_size=shards,
        **further,
    )
    report = Tally("sound" if suffix is None else "made")
    account = Account(report, as_json)
    with closing(report):
        run(load, options, account)
    return 1 if account.num_failed else 0
