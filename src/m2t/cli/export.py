"""`m2t export`."""

from pathlib import Path

import click

from .options import require

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("source", metavar="WEIGHTS", type=_FILE)
@click.argument("target", metavar="OUT", type=_FILE)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="Photographs to calibrate on: a folder, or a text file listing them.",
)
@click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change the dial: rate.eye=[[1,-1],[50,0.3],[100,1]].",
)
@click.option("-f", "--force", is_flag=True, help="Overwrite an existing file.")
def export(source: Path, target: Path, data: Path, overrides: tuple[str, ...], force: bool) -> None:
    """Turn trained weights into ones that code alike on every machine.

    WEIGHTS is a training run's model.safetensors; the entropy model in OUT computes in integers.
    """
    require("torch", "safetensors", advice="'m2t[train]'")
    from ..errors import OutputError
    from ..learn.export import export as run

    if target.exists() and not force:
        raise OutputError(f"{target} exists already; -f overwrites it")
    identity = run(source, target, data, overrides=overrides)
    click.echo(f"{target}: model {identity.hex()}, {target.stat().st_size:,} bytes", err=True)
