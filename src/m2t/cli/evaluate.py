"""`m2t eval`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .messages import complain
from .options import effort_option, require

if TYPE_CHECKING:
    from ..eval.codec import Codec
    from ..eval.judges import MetricName

_FOLDER = click.Path(file_okay=False, path_type=Path)


class Numbers(click.ParamType):
    """Several qualities, as 13,32,51."""

    name = "numbers"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """The numbers, ascending and each once."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(sorted({int(word) for word in value.split(",")}))
        except ValueError:
            self.fail(f"{value} is not a list of numbers such as 13,32,51", param, ctx)
        if not all(1 <= number <= 100 for number in found):
            self.fail("qualities are 1 to 100", param, ctx)
        return found


@click.command("eval")
@click.argument("dataset", type=_FOLDER)
@click.option(
    "--codecs",
    "names",
    metavar="NAME,...",
    help="What to measure; the first is compared with the others.  [default: m2t and all others]",
)
@click.option("--out", type=_FOLDER, required=True, help="Folder of the results and the report.")
@click.option("--model", metavar="NAME|PATH", help="Weights of m2t.  [default: the package's]")
@click.option(
    "--qualities", type=Numbers(), metavar="N,...", help="Of m2t.  [default: 5 or 7 over its range]"
)
@effort_option
@click.option("--anchors", type=_FOLDER, help="Folder of further results to compare with.")
@click.option("--name", help="Of the data set, in results.  [default: its folder's]")
@click.option("--limit", type=click.IntRange(1), help="Take that many images only.")
@click.option(
    "--metrics",
    metavar="NAME,...",
    help="What to measure besides PSNR.  [default: ssimulacra2,psnr,ms_ssim]",
)
@click.option("--timing/--no-timing", default=True, help="Measure times, one image at a time.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Images at a time while quality is measured.  [default: all cores]",
)
def evaluate(
    dataset: Path,
    names: str | None,
    model: str | None,
    qualities: tuple[int, ...] | None,
    effort: int,
    name: str | None,
    metrics: str | None,
    jobs: int | None,
    **options: Any,
) -> int:
    """Measure m2t and other codecs on a folder of images, and compare them.

    DATASET is a folder. Every codec writes real files, and reads them back. A run that was stopped
    goes on where it was. docs/eval.md tells what comes out.
    """
    require("bjontegaard", "jinja2", "matplotlib", advice="'m2t[eval]'")
    from ..engine.threads import num_cores
    from ..eval.evaluate import Options
    from ..eval.evaluate import evaluate as run
    from ..eval.report import write_report
    from ..eval.results import load_record
    from ..eval.table import tables

    codecs = chosen(names, model, qualities, effort)
    words = [dataset.name if word == str(dataset) else word for word in sys.argv[1:]]
    found = run(
        Options(
            dataset,
            name=name or dataset.resolve().name,
            metrics=asked(metrics),
            jobs=jobs or num_cores(),
            command=shlex.join(["m2t", *words]),
            **options,
        ),
        codecs,
    )
    for failure in found.failures:
        complain(failure.reason, failure.image)
    if found.results:
        report = write_report(found, [codec for codec in codecs if codec.name in found.results])
        for table in tables(load_record(options["out"] / f"{next(iter(found.results))}.json")):
            click.echo(table + "\n")
        click.echo(f"report: {report}", err=True)
    return 1 if found.failures else 0


def asked(names: str | None) -> "tuple[MetricName, ...]":
    """The metrics to measure; click.UsageError for names that there are not."""
    from ..eval.judges import DEFAULT, METRICS

    if names is None:
        return DEFAULT
    wanted = dict.fromkeys(names.split(","))
    unknown = [name for name in wanted if name not in METRICS]
    if unknown:
        raise click.UsageError(f"No metric {', '.join(unknown)}; there are {', '.join(METRICS)}.")
    return tuple(name for name in METRICS if name in wanted)


def chosen(names: str | None, model: str | None, qualities: Any, effort: int) -> "list[Codec]":
    """The codecs to measure. Those that are not installed are told and left out.

    Raises click.UsageError for names that there are not, ConfigError if none is left.
    """
    from ..errors import ConfigError
    from ..eval.anchors import ANCHORS
    from ..eval.codec import Codec
    from ..eval.ours import m2t_codec

    ours = (m2t_codec(model, qualities, effort, tune) for tune in (None, "psnr"))
    known: dict[str, Codec] = {codec.name: codec for codec in (*ours, *ANCHORS.values())}
    wanted = list(dict.fromkeys(names.split(","))) if names else list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise click.UsageError(f"No codec {', '.join(unknown)}; there are {', '.join(known)}.")
    codecs = []
    for name in wanted:
        advice = known[name].missing()
        if advice is None:
            codecs.append(known[name])
        else:
            complain(f"skipped; {advice}", name, "warning")
    if not codecs:
        raise ConfigError("none of the codecs is installed")
    return codecs
