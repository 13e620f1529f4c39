"""Options that several commands have, and what follows from them."""

from typing import TYPE_CHECKING

import click

from ..config import TUNES

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


def use_threads(threads: int | None) -> None:
    """Compute with that many CPU threads; None: as many as PyTorch would."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def codec_for(data: bytes, model: str | None) -> "Codec":
    """The codec of the weights that were named, or else of those that an .m2t file names.

    Raises FormatError or ModelError.
    """
    from ..codec import Codec

    return Codec.for_file(data) if model is None else Codec.load(model)
