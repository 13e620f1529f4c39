"""The weights that a new run starts from."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...config import STRIDE
from ...errors import ModelError
from ..load import load_model
from ..networks.model import Model
from .config import RunConfig
from .data import Crops
from .frequencies import even_inputs

NUM_PATCHES = 20_000
ENTROPY = "entropy."
PRIOR = ("entropy.prior_scale", "entropy.prior_slope")
"""What an entropy model knows of each channel: another one for the same transforms can use it."""
GROWTH = re.compile(r"\.(blocks|fine)\.|tune|^analysis\.(enter|block|down|leave)\.")
"""What begins without effect: residual parts of the transforms, and what tells tunes apart."""

State = Mapping[str, Tensor]


def initialise(model: Model, config: RunConfig, crops: Crops, weights: Sequence[Path]) -> None:
    """Fill `model` as a new run begins, and then from files of weights, as far as they go.

    Transforms and entropy model come each from the first file where they fit, and may have residual
    blocks and tunes that the file lacks; an entropy model that fits nowhere begins at random.
    """
    if config.train.init == "klt":
        model.initialise(crops.patches(NUM_PATCHES, STRIDE))
        if config.train.precondition:
            _even(model, crops)
    if weights:
        files = [load_model(path).state_dict() for path in weights]
        model.load_state_dict(_merged(model.state_dict(), files, weights, config.train.fresh))


@torch.no_grad()
def _even(model: Model, crops: Crops) -> None:
    """Let layers that see blocks of pixels answer to all frequencies alike.

    By random weights they would see little more than how bright a block is.
    """
    parameters = dict(model.named_parameters())
    for name, even in even_inputs(model, crops).items():
        weight = parameters[name]
        rows = torch.randn(len(weight), len(even)) / len(even) ** 0.5
        weight.copy_((rows @ even).view_as(weight))


def _merged(
    start: State, files: Sequence[State], paths: Sequence[Path], fresh: tuple[str, ...]
) -> State:
    """`start` with what the files have for it, but for what is to be fresh."""
    files = [{n: t for n, t in file.items() if not n.startswith(fresh)} for file in files]
    transforms = [_part(file, False) for file in files]
    entropies = [_part(file, True) for file in files]
    first = _first_fit(_part(start, False), transforms, fresh)
    if first is None:
        names = " and ".join(str(path) for path in paths)
        raise ModelError(f"the transforms in {names} are not those of this model")
    fitting = _first_fit(_part(start, True), entropies, fresh)
    prior = {name: tensor for name, tensor in entropies[first].items() if name in PRIOR}
    return {**start, **transforms[first], **(prior if fitting is None else entropies[fitting])}


def _part(state: State, entropy: bool) -> State:
    return {name: t for name, t in state.items() if name.startswith(ENTROPY) == entropy}


def _first_fit(start: State, files: Sequence[State], fresh: tuple[str, ...]) -> int | None:
    """Index of the first file whose tensors all have a place, and that lacks new ones at most."""
    for i, file in enumerate(files):
        known = all(name in start and t.shape == start[name].shape for name, t in file.items())
        missing = start.keys() - file.keys()
        if known and all(GROWTH.search(n) or n.startswith(fresh) for n in missing):
            return i
    return None
