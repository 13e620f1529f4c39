"""The dial for the eye: by scores, and turned at export."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from m2t.config import Aim
from m2t.errors import ConfigError
from m2t.learn import dial
from m2t.learn.export import export, turned
from m2t.learn.files import save_model
from m2t.presets import tiny
from m2t.weights import read_weights

from ..conftest import photograph
from .conftest import seeded_model

KNOTS = "rate.eye=[[1,-1],[50,0.5],[100,1.2]]"


def crops() -> list[torch.Tensor]:
    images = [photograph(96, 96, seed) for seed in range(2)]
    return [torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] for image in images]


def test_knots_are_where_scores_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    model = seeded_model(tiny())
    pictures = crops()
    low, high = (dial.mean_score(model, pictures, t) for t in (-1.0, 1.0))
    assert low < high
    middle = (low + high) / 2
    monkeypatch.setattr(dial, "SCORES", {40: middle, 90: high + 1})
    knots = dial.dial(model, pictures)
    assert [quality for quality, _ in knots] == [1, 40, 100]
    assert all(a < b for (_, a), (_, b) in itertools.pairwise(knots))
    found = dial.mean_score(model, pictures, knots[1][1])
    assert found == pytest.approx(middle, abs=0.1 * (high - low))


def test_the_dial_may_be_turned_and_nothing_else() -> None:
    config = turned(tiny(), [KNOTS, "rate.eye_strength=1.5"])
    assert config.rate.t(Aim(50, "eye")) == (0.5, 1.5)
    assert turned(tiny(), ["rate.psnr=[[1,-1],[100,2]]"]).rate.t(Aim(100)) == (2.0, 0.0)
    assert turned(tiny(), []) == tiny()
    for wrong in ("rate.eye=[]", "rate.lmbda_max=1.0", "entropy.layers=3"):
        with pytest.raises(ConfigError, match="may vary"):
            turned(tiny(), [wrong])


def test_an_exported_model_has_the_new_dial(tmp_path: Path) -> None:
    model = seeded_model(tiny())
    save_model(tmp_path / "a.safetensors", model.config, model.state_dict())
    for seed in range(2):
        Image.effect_noise((112, 112), 50).convert("RGB").save(tmp_path / f"{seed}.png")
    data = tmp_path / "list.txt"
    data.write_text("0.png\n1.png\n")
    export(tmp_path / "a.safetensors", tmp_path / "b.safetensors", data, overrides=[KNOTS])
    found = read_weights(tmp_path / "b.safetensors")
    assert found.config.rate.eye == ((1, -1), (50, 0.5), (100, 1.2))
    assert found.tensors["integer.quality"].array.shape == (200, found.config.entropy.width)
