"""Options that several commands have, and what follows from them."""

import sys
from typing import TYPE_CHECKING

import click

import m2t

from ..config import TUNES
from ..container.header import MAX_PIXELS

if TYPE_CHECKING:
    from ..codec import Codec

threads_option = click.option(
    "--threads", type=click.IntRange(1), help="CPU threads.  [default: all cores]"
)
quality_option = click.option(
    "-q",
    "--quality",
    type=click.IntRange(1, 100),
    default=50,
    show_default=True,
    help="Higher is better and larger.",
)
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


def load_codec(model: str | None, threads: int | None) -> "Codec":
    """The codec with the weights that were named, or else those of the package.

    Raises ModelError.
    """
    codec = m2t.load(model, num_threads=threads)
    torch = sys.modules.get("torch")
    if torch is not None and threads is not None:  # the weights are floats
        torch.set_num_threads(threads)
    return codec


def codec_for(data: bytes, model: str | None, threads: int | None) -> "Codec":
    """The codec with the weights that were named, or else those that an .m2t file names.

    Raises FormatError or ModelError.
    """
    if model is not None:
        return load_codec(model, threads)
    from ..codec import Codec

    return Codec.for_file(data, num_threads=threads)


def require(*packages: str, advice: str) -> None:
    """Raise ConfigError, with what to install, if a package is not there."""
    from importlib.util import find_spec

    from ..errors import ConfigError

    lacking = [package for package in packages if find_spec(package) is None]
    if lacking:
        raise ConfigError(f"needs {', '.join(lacking)}: pip install {advice}")
