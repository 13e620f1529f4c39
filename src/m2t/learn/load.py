"""Models in PyTorch from weights: codecs in floats or on a GPU, and networks to train on."""

import os
import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ..codec import Codec
from ..config import ModelConfig
from ..errors import ModelError
from ..predict.network import IntegerNetwork
from ..predict.operations import Operations
from ..predict.predictor import Network
from ..protocols import Transforms
from ..weights import Weights, read_weights
from ..weights.file import INTEGER, LAPPED
from ..weights.layout import check
from .devices.fastest import choose
from .files import tensors_of
from .floats.network import FloatNetwork
from .floats.transforms import FloatTransforms
from .integers.entropy_to_floats import restore as restore_entropy
from .integers.transforms_to_floats import restore as restore_transforms
from .networks.model import Model
from .networks.transforms import VariableTransforms

UNITS = ".units"
"""Suffix of what the rows of another tensor, stored as integers, are to be multiplied by."""
BYGONE = re.compile(r"analysis\..*\.(quality|tune)")
"""What analyses had of the aim once: without it they are as for the middle quality. Decoders do not
notice."""


def codec_of(
    weights: Weights,
    device: str = "cpu",
    num_threads: int | None = None,
    ops: Operations | None = None,
) -> Codec:
    """A codec with any weights: in integers what was exported, the rest in floats.

    `ops` compute the integer network; by default, the fastest ones that pass a test on `device`.
    Raises ModelError where weights do not fit their configuration.
    """
    where = torch.device(device)
    if weights.exported:
        return Codec.of(weights, num_threads, ops or choose(where))
    return Codec(*_parts(weights, where, ops), weights.identity, num_threads)


def _parts(
    weights: Weights, device: torch.device, ops: Operations | None
) -> tuple[Transforms, Network]:
    """Transforms in floats, and the network."""
    config, integers = weights.config, weights.below(INTEGER)
    if not integers:
        model = build_model(config, tensors_of(weights))
        return FloatTransforms(model, device), FloatNetwork(model.entropy, config, device)
    check(weights)
    network = IntegerNetwork(config, integers, ops or choose(device))
    networks = VariableTransforms(config).float()
    try:
        networks.load_state_dict(_of_today(float_tensors(tensors_of(weights))))
    except (KeyError, RuntimeError) as error:
        raise _unfit(error) from error
    return FloatTransforms(networks, device), network


def build_model(config: ModelConfig, state: Mapping[str, Tensor]) -> Model:
    """The network with these weights (float16 weights become float32), in evaluation mode."""
    model = Model(config).float()  # whatever PyTorch's default type is
    try:
        model.load_state_dict({name: t.float() for name, t in _of_today(state).items()})
    except RuntimeError as error:
        raise _unfit(error) from error
    return model.eval()


def load_model(path: str | os.PathLike[str]) -> Model:
    """The float model stored at `path`, or one that is as good as what was exported to it."""
    weights = read_weights(path)
    config, state = weights.config, tensors_of(weights)
    if integers := _below(INTEGER, state):
        check(weights)
        restored, floats = restore_entropy(config, integers), float_tensors(state)
        if lapped := _below(LAPPED, state):
            floats |= restore_transforms(config, lapped)
        state = floats | {f"entropy.{name}": t for name, t in restored.items()}
    return build_model(config, state)


def float_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All but the integers, as floats: of an exported model, transforms that are none."""
    rest = {n: t.float() for n, t in state.items() if not n.startswith((INTEGER, LAPPED))}
    for name in [name for name in rest if name.endswith(UNITS)]:
        weight, units = name.removesuffix(UNITS), rest.pop(name)
        rest[weight] = rest[weight] * units.view(-1, *[1] * (rest[weight].ndim - 1))
    return rest


def _of_today(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not BYGONE.fullmatch(name)}


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}


def _unfit(error: Exception) -> ModelError:
    reason = (str(error).splitlines() or [""])[-1].strip()
    return ModelError(f"weights do not fit their configuration: {reason}")
