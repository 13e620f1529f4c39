"""`m2t compare`."""

import io
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..container.header import SIGNATURE
from ..errors import ImageError, M2TError, describe
from ..work import Codecs, told_warnings
from .files import STDIO, FilePath, read
from .messages import complain

if TYPE_CHECKING:
    from ..image import Picture


@click.command()
@click.argument("a", type=FilePath())
@click.argument("b", type=FilePath())
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those the file names]")
def compare(a: Path, b: Path, as_json: bool, model: str | None) -> int:
    """Tell how near picture B is to its original A.

    Both are .m2t files or pictures of any other format, of one size; - stands for standard input.
    Colours are compared, opacity is not. Metrics that are not installed are named, with what to
    install.
    """
    from ..eval.judges import METRICS

    if a == b == STDIO:
        raise click.UsageError("Standard input is one picture only.")
    pictures = [_picture(path, model) for path in (a, b)]
    (height, width, _), theirs = (picture.rgb.shape for picture in pictures)
    if (height, width, 3) != theirs:
        raise ImageError(f"{a} is {width}x{height} pixels, {b} is {theirs[1]}x{theirs[0]}")
    if any(picture.alpha is not None for picture in pictures):
        complain("opacity is not compared", kind="warning")
    missing = {name: advice for name, metric in METRICS.items() if (advice := metric.missing())}
    found = {
        name: None if name in missing else metric.measure(pictures[0].rgb, pictures[1].rgb)
        for name, metric in METRICS.items()
    }
    if as_json:
        facts: dict[str, Any] = {"a": str(a), "b": str(b), "width": width, "height": height}
        click.echo(json.dumps(facts | found | {"missing": missing}))
        return 0
    for name, metric in METRICS.items():
        value = found[name]
        if name in missing:
            text = f"not installed: {missing[name]}"
        elif value is None:
            text = "not defined for pictures as small"
        else:
            text = f"{metric.form.format(value)} {metric.unit}".rstrip()
        click.echo(f"{metric.label:<20}{text}")
    return 0


def _picture(path: Path, model: str | None) -> "Picture":
    """What is in a file of any format; M2TError, with the file's name, where it cannot be read."""
    from ..image import open_image, to_picture

    try:
        with told_warnings(partial(complain, name=path, kind="warning")):
            data = read(path)
            if data.startswith(SIGNATURE):
                return to_picture(Codecs(model, None).of(data).decompress(data))
            return to_picture(open_image(io.BytesIO(data)))
    except (M2TError, OSError) as error:
        raise ImageError(f"{path}: {describe(error)}") from error
