"""The weights that a new run starts from."""

from pathlib import Path

from .. import checkpoint
from ..config import STRIDE
from ..errors import ModelError
from ..model import Model
from .config import RunConfig
from .data import Crops

NUM_PATCHES = 20_000


def initialise(model: Model, config: RunConfig, crops: Crops, weights: Path | None) -> None:
    """Fill `model` from a file of weights, or from the data's principal components, or leave it."""
    if weights is not None:
        try:
            model.load_state_dict(checkpoint.load_model(weights).state_dict())
        except RuntimeError as error:
            raise ModelError(f"{weights} holds another model than {model.config.name}") from error
    elif config.train.init == "klt":
        model.initialise(crops.patches(NUM_PATCHES, STRIDE))
