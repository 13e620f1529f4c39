"""Options that several commands have, and what follows from them."""

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource

from ..config import TUNES
from ..container.header import MAX_PIXELS

if TYPE_CHECKING:
    from ..target import Kind

threads_option = click.option(
    "--threads", type=click.IntRange(1), help="CPU threads.  [default: all cores]"
)
recursive_option = click.option(
    "-r", "--recursive", is_flag=True, help="Take the files in folders and below."
)
jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Files at a time, each in a process; they share the threads.",
)
quality_option = click.option(
    "-q",
    "--quality",
    type=click.IntRange(1, 100),
    default=50,
    show_default=True,
    help="Higher is better and larger.",
)


class NumBytes(click.ParamType):
    """A size as 200000, 200kB, 1.5MB or 200KiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See click.ParamType."""
        found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*", str(value), re.IGNORECASE)
        unit = found and UNITS.get(found[2].lower())
        if not found or not unit:
            self.fail(f"{value} is not a size such as 200000, 200kB or 1.5MB", param, ctx)
        return int(float(found[1]) * unit)


UNITS = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "kib": 2**10}
UNITS |= {"m": 10**6, "mb": 10**6, "mib": 2**20}
"""Bytes in each unit of a size."""
_TARGETS: dict[str, tuple[click.ParamType, str, str]] = {
    "size": (NumBytes(), "SIZE", "The file takes no more, as 200kB or 1.5MB."),
    "bpp": (click.FLOAT, "BITS", "The file takes no more bits per pixel."),
    "psnr": (click.FLOAT, "DB", "The picture comes as near, in dB."),
    "ssimulacra2": (click.FLOAT, "SCORE", "The picture looks as near: 50 medium, 70 high, 90 all."),
}
"""Kind of a target -> how it is written, and what it does."""


def target_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command, as `target`, a Target or None: that of the one option of four in use.

    click.UsageError for several, or for one beside a quality.
    """

    @functools.wraps(command)
    def targeted(*args: Any, **options: Any) -> int:
        values = {kind: options.pop(f"target_{kind}") for kind in _TARGETS}
        given = [kind for kind, value in values.items() if value is not None]
        source = click.get_current_context().get_parameter_source("quality")
        names = ["--quality"] if given and source is not ParameterSource.DEFAULT else []
        names += [f"--target-{kind}" for kind in given]
        if len(names) > 1:
            raise click.UsageError(f"{' and '.join(names)} exclude each other.")
        target = None
        if given:
            from ..errors import ConfigError
            from ..target import Target

            try:
                target = Target(cast("Kind", given[0]), values[given[0]])
            except ConfigError as error:
                raise click.UsageError(f"{error}.") from error
        return command(*args, target=target, **options)

    for kind, (type_, metavar, text) in reversed(_TARGETS.items()):
        option = click.option(f"--target-{kind}", type=type_, metavar=metavar, help=text)
        targeted = option(targeted)
    return targeted


tune_option = click.option(
    "--tune",
    type=click.Choice(TUNES),
    help="For what people see, or for the least squared error.  [default: eye, if the model can]",
)
effort_option = click.option(
    "-e",
    "--effort",
    type=click.IntRange(0, 9),
    default=1,
    show_default=True,
    help="Higher is smaller and slower, to compress only.",
)

max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(1, MAX_PIXELS),
    default=MAX_PIXELS,
    metavar="N",
    help="Refuse images of more pixels.  [default: 2^30]",
)


class RegionType(click.ParamType):
    """A region as x, y, width, height."""

    name = "X,Y,W,H"

    def convert(
        self,
        value: str | tuple[int, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[int, ...]:
        """See click.ParamType."""
        if isinstance(value, tuple):
            return value
        parts = value.split(",")
        if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
            self.fail(f"{value!r} is not X,Y,W,H: four whole numbers with commas.", param, ctx)
        return tuple(map(int, parts))


def threads_each(num_threads: int | None, jobs: int) -> int | None:
    """How many threads each of several processes has; None: all cores."""
    if jobs == 1:
        return num_threads
    from ..engine.threads import num_cores

    return max(1, (num_threads or num_cores()) // jobs)


def require(*packages: str, advice: str) -> None:
    """Raise ConfigError, with what to install, if a package is not there."""
    from importlib.util import find_spec

    from ..errors import ConfigError

    lacking = [package for package in packages if find_spec(package) is None]
    if lacking:
        raise ConfigError(f"needs {', '.join(lacking)}: pip install {advice}")
