"""Dead units start anew: `python -m m2t.learn.revive WEIGHTS OUT --images IMAGES`.

ReLU units that photographs never make active learn nothing, and nothing holds their weights. In OUT
such units have random weights and a bias that makes them active, but columns of 0 behind them: its
outputs are the same, and training can find a use for them. Prints each layer that reads units, how
many of them there are, how many are dead and how many start anew.
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import ConfigError, M2TError, OutputError
from .files import save_model
from .integers.calibrate import hook
from .load import load_model
from .networks.model import Model
from .networks.units import Units, units_of
from .training.data import list_images, open_centre

NUM_IMAGES = 48
"""Spread over the list."""
DEAD = 2e-4
"""Units are dead that are active at a smaller share of all places."""
RARE = 0.01
"""Units live that are active at no smaller share."""
RUNAWAY = 10.0
"""Units start anew as well that do not live and whose rows are so many times as long as the living
units' median."""
ACTIVE = 0.3
"""Share of all places at which a revived unit is active."""
QUALITIES = (-1.0, 0.0, 1.0)
HINGES = (-0.6, 0.4)
"""Biases of revived units that see the quality alone, of which there are only a few values."""
OPEN = 1e3
"""A bias with which a unit is active everywhere."""
EVERY, SAMPLES = 4, 500
"""Biases are set on each such crop, from at least so many places of it where it has them."""
SEED = 1


class Revived(NamedTuple):
    """What became of the units of one layer."""

    reader: str
    """Name of the layer that reads them."""
    num_units: int
    num_dead: int
    num_revived: int


def main() -> None:
    """Write the revived weights, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=Path, required=True, help="Folder, or list of images.")
    parser.add_argument("-f", "--force", action="store_true", help="Overwrite an existing file.")
    options = parser.parse_args()
    try:
        table = run(options.weights, options.out, options.images, options.force)
    except M2TError as error:
        sys.exit(f"m2t: error: {error}")
    print(f"{'units read by':32s} {'units':>6s} {'dead':>6s} {'revived':>8s}")
    for row in table:
        print(f"{row.reader:32s} {row.num_units:6d} {row.num_dead:6d} {row.num_revived:8d}")


def run(weights: Path, out: Path, images: Path, force: bool = False) -> list[Revived]:
    """Revive the units of a file of weights, exported or not; `out` is one of floats.

    Raises OutputError where `out` exists, unless by `force`, and ConfigError, ImageError or
    ModelError for what cannot be read.
    """
    if out.exists() and not force:
        raise OutputError(f"{out} exists already; -f overwrites it")
    model, paths = load_model(weights), list_images(images)
    count = min(NUM_IMAGES, len(paths))
    chosen = [paths[i * len(paths) // count] for i in range(count)]
    crops = [open_centre(path, model.config.entropy.window) for path in chosen]
    crops = [crop for crop in crops if crop.numel()]  # at least a token
    if not crops:
        raise ConfigError(f"{images}: no image is as large as 16x16 pixels")
    table = revive(model, crops)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_model(out, model.config, model.state_dict())
    return table


@torch.no_grad()
def revive(model: Model, crops: Sequence[Tensor]) -> list[Revived]:
    """Start dead and runaway units of `model` anew, by crops (1, 3, H, W) uint8 of photographs."""
    generator = torch.Generator().manual_seed(SEED)
    found, table, anew = units_of(model), [], {}
    for name, activity in activities(model, crops).items():
        dead = activity < DEAD
        living = _living(activity)
        revived = (dead | _runaway(found[name], activity, living)).nonzero().flatten()
        table.append(Revived(name, len(dead), int(dead.sum()), len(revived)))
        if len(revived):
            _restart(found[name], revived, living, generator)
            anew[name] = revived
    _set_biases(model, found, anew, crops[::EVERY])
    return table


@torch.no_grad()
def activities(model: Model, crops: Iterable[Tensor]) -> dict[str, Tensor]:
    """(units,) share of all places where each is active, by the name of the layer that reads it."""
    names = list(units_of(model))
    num_active = {name: torch.zeros(1) for name in names}
    num_places = dict.fromkeys(names, 0)

    def see(name: str, x: Tensor) -> None:
        num_active[name] = num_active[name] + (x > 0).sum(0)
        num_places[name] += len(x)

    _watch(model, names, crops, see)
    return {name: num_active[name] / num_places[name] for name in names}


def _watch(
    model: Model, names: Iterable[str], crops: Iterable[Tensor], see: Callable[[str, Tensor], None]
) -> None:
    """Show `see` the units (places, units) that each layer reads, at all qualities and tunes."""
    tunes = (0.0, 1.0) if model.config.rate.eye else (0.0,)
    t = torch.tensor(list(itertools.product(QUALITIES, tunes)))

    def flat(name: str, x: Tensor) -> None:
        see(name, (x.movedim(1, -1) if x.ndim == 4 else x).flatten(0, -2))

    with ExitStack() as hooks:
        for name in names:
            hooks.callback(hook(model.get_submodule(name), True, partial(flat, name)).remove)
        for crop in crops:
            model(crop.expand(len(t), -1, -1, -1).float() / 255, t)


def _living(activity: Tensor) -> Tensor:
    """(units,) which are models for the others: where there are none, any that were active."""
    for living in (activity >= RARE, activity > 0):
        if living.any():
            return living
    return activity >= 0


def _runaway(units: Units, activity: Tensor, living: Tensor) -> Tensor:
    """(units,) which are hardly active, with rows far too long."""
    norms = torch.zeros(len(activity))
    for rows in units.rows:
        norms += rows.flatten(1).square().sum(1)
    norms = norms.sqrt()
    return (norms > RUNAWAY * norms[living].median()) & (activity < RARE)


def _restart(units: Units, which: Tensor, living: Tensor, generator: torch.Generator) -> None:
    """Random rows as long as the living units' median row; no shifts; no effect."""
    for rows in units.rows:
        new = torch.randn(len(which), *rows.shape[1:], generator=generator)
        lengths = new.flatten(1).norm(dim=1) / rows.flatten(1)[living].norm(dim=1).median()
        rows[which] = new / lengths.view(-1, *[1] * (rows.ndim - 1))
    for shift in units.shifts:
        shift[which] = 0.0
    for columns in units.columns:
        columns[:, which] = 0.0


def _set_biases(
    model: Model, found: dict[str, Units], anew: dict[str, Tensor], crops: Iterable[Tensor]
) -> None:
    """Let revived units be active at the share ACTIVE of all places.

    What they see shows while they let everything pass, which has no effect yet.
    """
    seen: dict[str, list[Tensor]] = {name: [] for name in anew}
    for name, which in anew.items():
        found[name].shifts[0][which] = OPEN

    def see(name: str, x: Tensor) -> None:
        seen[name].append(x[:: max(1, len(x) // SAMPLES), anew[name]] - OPEN)

    _watch(model, anew, crops, see)
    for name, which in anew.items():
        biases = -torch.quantile(torch.cat(seen[name]), 1 - ACTIVE, dim=0)
        if any(rows.flatten(1).shape[1] == 1 for rows in found[name].rows):
            biases = torch.linspace(*HINGES, len(which))
        found[name].shifts[0][which] = biases


if __name__ == "__main__":
    main()
