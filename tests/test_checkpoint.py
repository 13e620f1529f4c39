from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from m2t.checkpoint import (
    INTEGER,
    build_codec,
    build_model,
    load_model,
    model_id,
    read_model,
    save_model,
)
from m2t.errors import ModelError, UnknownModel
from m2t.model import Model
from m2t.presets import light
from m2t.zoo import locate


def test_round_trip(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model.config, model.state_dict())
    config, state = read_model(path)
    assert config == model.config
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert model_id(config, state) == model_id(model.config, model.state_dict())
    assert not load_model(path).training
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_id_changes_with_any_weight_and_with_the_config(model: Model) -> None:
    state = dict(model.state_dict())
    before = model_id(model.config, state)
    assert model_id(light(), state) != before
    state["gain"] = state["gain"] + 1e-6
    assert model_id(model.config, state) != before
    assert len(before) == 8


def test_foreign_files_are_refused(model: Model, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(3)}, other)
    with pytest.raises(ModelError, match="no m2t model"):
        read_model(other)
    other.write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="not a model file"):
        read_model(other)
    with pytest.raises(ModelError, match="no such file"):
        read_model(tmp_path / "none")
    with pytest.raises(ModelError, match="do not fit"):
        build_model(light(), model.state_dict())


def test_locate(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.touch()
    assert locate(path) == path
    with pytest.raises(UnknownModel, match="no model nonesuch"):
        locate("nonesuch")


def test_exported_weights_are_smaller_and_have_an_id_of_their_own(
    model: Model, weights: Path
) -> None:
    config, state = read_model(weights)
    assert config == model.config
    assert model_id(config, state) != model_id(model.config, model.state_dict())
    assert weights.stat().st_size < 0.8 * weights.with_name("float.safetensors").stat().st_size
    assert not any(name.startswith("entropy.") for name in state)
    transforms, network = build_codec(config, state, torch.device("cpu"))
    assert network.exact
    assert transforms.exact


def test_incomplete_integers_are_refused(weights: Path) -> None:
    config, state = read_model(weights)
    del state[INTEGER + "blocks.1.steps"]
    with pytest.raises(ModelError, match="do not fit"):
        build_codec(config, state, torch.device("cpu"))
