"""Weights on disk: safetensors with the model's configuration in its metadata.

A model's id is a hash of its configuration and of every weight that takes part in decoding, so a
file can name the weights it needs whatever they are called and wherever they lie.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .config import ModelConfig
from .engine.choice import pictures
from .entropy.floating import FloatNetwork
from .entropy.integer.network import IntegerNetwork
from .entropy.integer.on_device import choose
from .entropy.integer.operations import Operations
from .entropy.integer.restore import restore
from .entropy.predictor import Network
from .errors import ConfigError, ModelError
from .lapped.transforms import LappedTransforms
from .model import Model
from .protocols import Transforms
from .transforms import VariableTransforms
from .transforms.floating import FloatTransforms
from .transforms.restore import restore as restore_transforms

MODEL_ID_BYTES = 8
INTEGER = "integer."
"""Prefix of the tensors of an exported entropy model."""
LAPPED = "lapped."
"""Prefix of the tensors of exported transforms."""
UNITS = ".units"
"""Suffix of what the rows of another tensor, stored as integers, are to be multiplied by."""
_CONFIG_KEY = "m2t_config"


def model_id(config: ModelConfig, state: Mapping[str, Tensor]) -> bytes:
    """The first 8 bytes of SHA-256 over the config's JSON and the tensors, sorted by name."""
    digest = hashlib.sha256(config.to_json().encode())
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().tobytes())
    return digest.digest()[:MODEL_ID_BYTES]


def save_model(
    path: str | os.PathLike[str], config: ModelConfig, state: Mapping[str, Tensor]
) -> None:
    """Write weights and config to `path`."""
    write_tensors(Path(path), state, {_CONFIG_KEY: config.to_json()})


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file that appears under its name only when it is whole and on the disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(stored, temporary, metadata)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(file: Any) -> dict[str, Tensor]:
    """All tensors of an opened safetensors file."""
    return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping


def read_model(path: str | os.PathLike[str]) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Config and weights of a file that save_model() wrote; ModelError if it is none."""
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_CONFIG_KEY)
            if text is None:
                raise ModelError(f"{path}: no m2t model in this file")
            config = ModelConfig.from_json(text)
            return config, read_tensors(file)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file") from error
    except (SafetensorError, ConfigError, OSError) as error:
        raise ModelError(f"{path}: not a model file ({error})") from error


def build_model(config: ModelConfig, state: Mapping[str, Tensor]) -> Model:
    """The network with these weights (float16 weights become float32), in evaluation mode."""
    model = Model(config).float()  # whatever PyTorch's default type is
    try:
        model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"weights do not fit their configuration: {reason}") from error
    return model.eval()


def float_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All others, as floats: of an exported model, the transforms."""
    rest = {n: t.float() for n, t in state.items() if not n.startswith((INTEGER, LAPPED))}
    for name in [name for name in rest if name.endswith(UNITS)]:
        weight, units = name.removesuffix(UNITS), rest.pop(name)
        rest[weight] = rest[weight] * units.view(-1, *[1] * (rest[weight].ndim - 1))
    return rest


def integer_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of an exported entropy model; none if the weights are floats."""
    return _below(INTEGER, state)


def lapped_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of exported transforms; none if they are floats."""
    return _below(LAPPED, state)


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}


def build_codec(
    config: ModelConfig,
    state: Mapping[str, Tensor],
    device: torch.device,
    ops: Operations | None = None,
) -> tuple[Transforms, Network]:
    """What a codec runs on: in integers what was exported, the rest in floats.

    `ops` compute the entropy network; by default, the fastest ones that pass a test here.
    """
    integers = integer_tensors(state)
    if not integers:
        model = build_model(config, state).requires_grad_(False)
        return FloatTransforms(model, device), FloatNetwork(model.entropy, config)
    try:
        arrays = {name: tensor.numpy() for name, tensor in integers.items()}
        network = IntegerNetwork(config, arrays, ops or choose(device))
        return _transforms(config, state, device), network
    except (KeyError, RuntimeError, IndexError, ValueError) as error:
        raise ModelError(f"weights do not fit their configuration: {error}") from error


def _transforms(
    config: ModelConfig, state: Mapping[str, Tensor], device: torch.device
) -> Transforms:
    if tensors := lapped_tensors(state):
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        return LappedTransforms(config, arrays, *pictures())
    networks = VariableTransforms(config).float().requires_grad_(False)
    networks.load_state_dict(float_tensors(state))
    return FloatTransforms(networks, device)


def load_model(path: str | os.PathLike[str]) -> Model:
    """The float model stored at `path`, or one that is as good as what was exported to it."""
    config, state = read_model(path)
    if integers := integer_tensors(state):
        try:
            restored = restore(config, integers)
            floats = float_tensors(state)
            if tensors := lapped_tensors(state):
                floats |= restore_transforms(config, tensors)
            state = floats | {f"entropy.{name}": t for name, t in restored.items()}
        except (KeyError, RuntimeError) as error:
            raise ModelError(f"weights do not fit their configuration: {error}") from error
    return build_model(config, state)
