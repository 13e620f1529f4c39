"""`m2t train`."""

from pathlib import Path
from typing import Any

import click

from .options import require

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--preset", default="light", show_default=True, help="Which codec to train.")
@click.option(
    "--data", type=_PATH, required=True, help="Folder of images, or a text file listing them."
)
@click.option("--out", type=_PATH, required=True, help="Folder of the run: checkpoints, log.")
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in --out.")
@click.option(
    "--init",
    type=_PATH,
    multiple=True,
    help="Start from these weights. If repeated: transforms and entropy model each from the first "
    "file where they fit.",
)
@click.option(
    "--minutes", type=click.FloatRange(0), help="Stop, with a checkpoint, after this time."
)
@click.option(
    "--steps", type=click.IntRange(1), help="Stop, with a checkpoint, after this step of the run."
)
@click.option("--cache", type=_PATH, help="Folder of decoded images.  [default: OUT/data]")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override an option, as train.lr_muon=0.002 or entropy.layers=6. May be repeated.",
)
def train(**options: Any) -> None:
    """Train a codec on a folder of images.

    Stops at Ctrl-C with a checkpoint that --resume goes on from.
    """
    require("torch", "safetensors", advice="'m2t[train]'")
    from ..learn.training import run

    run(**options)
