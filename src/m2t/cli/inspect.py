"""`m2t inspect`: a look inside a file."""

import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..config import Tune
from ..container.header import SIGNATURE
from ..errors import OutputError
from ..progress import Progress
from ..work import Codecs, load_codec, told_warnings
from .files import atomic_write, read
from .messages import attempt, complain, progress_bar
from .options import threads_option, tune_option

_PAGE = "index.html"


@click.command()
@click.argument("path", metavar="FILE|IMAGE", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of what is found: a page, pictures, numbers.",
)
@click.option(
    "-q", "--quality", type=click.IntRange(1, 100), help="To compress IMAGE with.  [default: 50]"
)
@tune_option
@click.option(
    "--model",
    metavar="NAME|PATH",
    help="Weights.  [default: those that FILE names, or the package's]",
)
@click.option(
    "--samples",
    type=click.IntRange(1),
    help="Images to average after each step.  [default: 16, fewer above 0.4 megapixels]",
)
@click.option("-f", "--force", is_flag=True, help="Overwrite existing files.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as a JSON object.")
@threads_option
def inspect(path: Path, out: Path, force: bool, as_json: bool, **options: Any) -> int:
    """Show what is inside an .m2t FILE, or inside what an IMAGE is compressed to.

    Writes index.html, a page with everything in it: what each token, step and channel costs, and
    the image after each step, as the model completes it. The same as PNGs, and as inspect.json.
    """

    def show() -> None:
        if (out / _PAGE).exists() and not force:
            raise OutputError(f"{out / _PAGE} exists already; -f overwrites it")
        tell = partial(complain, name=path, kind="warning")
        with told_warnings(tell), progress_bar(path) as progress:
            found, files = inspected(path, progress, **options)
        files["inspect.json"] = json.dumps(found).encode() + b"\n"
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            atomic_write(out / name, data, force)
        if as_json:
            click.echo(json.dumps(found))
        else:
            summary = "{input}: {bytes:,} bytes, {tokens:,} tokens; see "
            click.echo(summary.format(**found) + str(out / _PAGE), err=True)

    return 0 if attempt(show, path, as_json) else 1


def inspected(
    path: Path,
    progress: Progress | None,
    *,
    quality: int | None,
    tune: Tune | None,
    model: str | None,
    samples: int | None,
    threads: int | None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What report() tells of a file. Raises M2TError, OSError or click.UsageError."""
    data, original = read(path), None
    coded = data.startswith(SIGNATURE)
    if coded and (quality is not None or tune is not None):
        raise click.UsageError("-q and --tune go with an image; an .m2t file has its own.")
    from ..image import open_image, to_picture
    from ..inspection.inside import Inside
    from ..inspection.output import report, require_matplotlib

    require_matplotlib()
    if coded:
        codec = Codecs(model, threads).of(data)
    else:
        image = open_image(io.BytesIO(data))
        codec = load_codec(model, threads)
        quality = 50 if quality is None else quality
        data = codec.compress(image, quality, tune=tune, lossless="never")
        original = to_picture(image).rgb
    return report(Inside(codec, data), path.name, original, samples, progress)
