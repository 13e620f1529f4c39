"""`m2t verify`: whether files can be decoded, without pictures of them."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..container import parse_header
from ..container.header import check_pixels
from .files import FilePath, read
from .messages import attempt
from .options import codec_for, max_pixels_option, threads_option

if TYPE_CHECKING:
    from ..codec import Codec


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FilePath())
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those that a file names]")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per file on standard output."
)
@max_pixels_option
@threads_option
def verify(
    files: tuple[Path, ...],
    model: str | None,
    as_json: bool,
    max_pixels: int,
    threads: int | None,
) -> int:
    """Decode the tokens of .m2t files, check them against every checksum, and write nothing.

    Files that are damaged are named; the exit code is then 1.
    """
    codecs: dict[bytes, Codec] = {}

    def check(file: Path) -> None:
        from ..checksums import latents_sha256

        data = read(file)
        header = parse_header(data)
        check_pixels(header.width, header.height, max_pixels)
        wanted = header.model_id
        if wanted not in codecs:
            codecs[wanted] = codec_for(data, model, threads)
        y_hat = codecs[wanted].verified(data)
        if as_json:
            click.echo(json.dumps({"input": str(file), "latents_sha256": latents_sha256(y_hat)}))
        else:
            click.echo(f"{file}: sound", err=True)

    sound = [attempt(partial(check, file), file, as_json) for file in files]
    return 0 if all(sound) else 1
