from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import m2t
from m2t.errors import ModelError
from m2t.learn.files import save_model, tensors_of
from m2t.learn.load import build_model, load_model
from m2t.learn.networks.model import Model
from m2t.presets import light
from m2t.weights import read_weights
from m2t.weights.file import CONFIG_KEY


def test_round_trip(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model.config, model.state_dict())
    weights = read_weights(path)
    assert weights.config == model.config
    state = tensors_of(weights)
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert not load_model(path).training
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_every_type_is_read_as_the_library_wrote_it(tmp_path: Path) -> None:
    types = (
        "float64",
        "float32",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
    )
    state = {name: torch.arange(-3, 4).to(getattr(torch, name)).view(1, 7) for name in types}
    save_file(state, tmp_path / "a.safetensors", {CONFIG_KEY: light().to_json()})
    found = tensors_of(read_weights(tmp_path / "a.safetensors"))
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_weights_of_another_configuration_are_refused(model: Model) -> None:
    with pytest.raises(ModelError, match="do not fit"):
        build_model(light(), model.state_dict())


def test_exported_weights_are_smaller_and_have_an_id_of_their_own(
    model: Model, weights: Path
) -> None:
    found, floats = read_weights(weights), weights.with_name("float.safetensors")
    assert found.config == model.config
    assert found.identity != read_weights(floats).identity
    assert weights.stat().st_size < 0.8 * floats.stat().st_size
    assert not any(name.startswith("entropy.") for name in found.tensors)
    codec = m2t.load(weights)
    assert codec.network.exact
    assert codec.transforms.exact


def test_floats_compress_too(weights: Path) -> None:
    codec = m2t.load(weights.with_name("float.safetensors"))
    assert not codec.network.exact
    image = Image.new("RGB", (40, 30), "teal")
    assert codec.decompress(codec.compress(image)).size == image.size
    with pytest.raises(ModelError, match="not exported"):
        m2t.Codec.load(weights.with_name("float.safetensors"))


def test_another_device_has_the_same_tokens(weights: Path) -> None:
    """By PyTorch's operations, which a GPU would take; here they run on the processor."""
    image = Image.linear_gradient("L")
    data = m2t.load(weights).compress(image, lossless="never")
    assert m2t.load(weights, device="cpu:0").compress(image, lossless="never") == data
