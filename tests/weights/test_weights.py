import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import m2t
from m2t.codec import Codec
from m2t.config import RateConfig
from m2t.errors import ModelError, UnknownModel
from m2t.presets import light
from m2t.weights import Weights, locate, read_weights, shipped
from m2t.weights.file import HASHED_AS, INTEGER, LAPPED
from m2t.weights.safetensors import TYPES, Stored


def test_id_changes_with_any_weight_type_shape_and_with_the_config(weights: Path) -> None:
    found = read_weights(weights)
    before, name = found.identity, LAPPED + "gains"
    kind, array = found.tensors[name]
    changed = array.copy()
    changed[-1, -1] = np.nextafter(changed[-1, -1], np.float32(9))
    others = [Stored(kind, changed), Stored(kind, array.T), Stored("I32", array.view(np.int32))]
    ids = {before, Weights(light(), found.tensors).identity}
    ids |= {Weights(found.config, {**found.tensors, name: other}).identity for other in others}
    assert len(ids) == 5
    assert len(before) == 8


def test_ids_stay_what_they_are() -> None:
    """They stand in files: what hashes a model can never change."""
    tensors = {
        kind: Stored(kind, np.arange(6).reshape(2, 3).astype(TYPES[kind])) for kind in HASHED_AS
    }
    assert HASHED_AS.keys() == TYPES.keys()
    assert Weights(light(), tensors).identity.hex() == "5280ab4fbfa76cbe"


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    header = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    other.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(ModelError, match="no m2t model"):
        read_weights(other)
    other.write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="not a model file"):
        read_weights(other)
    with pytest.raises(ModelError, match="no such file"):
        read_weights(tmp_path / "none")


def test_locate(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.touch()
    assert locate(path) == path
    assert locate() == shipped()["light"]
    with pytest.raises(UnknownModel, match="no model nonesuch"):
        locate("nonesuch")


def test_loaded_by_path_and_with_threads(weights: Path) -> None:
    codec = m2t.load(weights, num_threads=3)
    assert codec.num_threads == 3
    assert codec.identity == Codec.load(weights).identity == read_weights(weights).identity


def changed(weights: Path, change: Callable[[str, np.ndarray], np.ndarray | None]) -> Weights:
    """Weights whose arrays are others, or missing."""
    found = read_weights(weights)
    tensors = {}
    for name, (kind, array) in found.tensors.items():
        other = change(name, array)
        if other is not None:
            tensors[name] = Stored(kind if other.dtype == array.dtype else "I64", other)
    return Weights(found.config, tensors)


FREE = {INTEGER + "exp_table", INTEGER + "squash"}
"""Tables that have no size of their own: what lies beyond is as their last entry."""
CHANGES: dict[str, Callable[[np.ndarray], np.ndarray | None]] = {
    "missing": lambda array: None,
    "empty": lambda array: array[:0] if array.ndim else array.reshape(1)[:0],
    "shorter": lambda array: array[:-1] if array.ndim else array.reshape(1)[:0],
    "flat": lambda array: array.reshape(-1, 1, 1, 1, 1),
    "of another type": lambda array: array.astype(np.int64),
    "not finite": lambda array: array * np.nan if array.dtype.kind == "f" else None,
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_tensor_that_does_not_fit_is_refused(weights: Path, change: str) -> None:
    for name in read_weights(weights).tensors.keys() - (FREE if change == "shorter" else set()):
        other = changed(weights, lambda n, a, name=name: CHANGES[change](a) if n == name else a)
        with pytest.raises(ModelError, match="do not fit"):
            Codec.of(other)


def test_weights_without_a_tune_for_the_eye_need_all_tensors_as_well() -> None:
    found = read_weights(Path("tests/golden/raster.safetensors"))
    config = dataclasses.replace(found.config, rate=RateConfig())
    tensors = {
        name: Stored(kind, array[:100] if array.shape[:1] == (200,) else array)
        for name, (kind, array) in found.tensors.items()
    }
    name = LAPPED + "synthesis.blocks.0.tune"
    untuned = Stored("F32", np.zeros(1, np.float32))
    assert Codec.of(Weights(config, {**tensors, name: untuned})).config == config
    del tensors[name]
    with pytest.raises(ModelError, match=f"no {name}"):
        Codec.of(Weights(config, tensors))


def test_weights_of_another_configuration_are_refused(weights: Path) -> None:
    with pytest.raises(ModelError, match="do not fit"):
        Codec.of(Weights(light(), read_weights(weights).tensors))


def test_a_configuration_without_heads_is_refused(weights: Path, tmp_path: Path) -> None:
    data = weights.read_bytes()
    assert b'\\"heads\\":2' in data
    path = tmp_path / "a.safetensors"
    path.write_bytes(data.replace(b'\\"heads\\":2', b'\\"heads\\":0'))
    with pytest.raises(ModelError, match="heads must be positive"):
        read_weights(path)
