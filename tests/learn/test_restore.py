"""An exported entropy model as floats again."""

import dataclasses

import numpy as np
import pytest
import torch

from m2t.config import ModelConfig
from m2t.errors import ModelError
from m2t.learn.integers.calibrate import calibrate
from m2t.learn.integers.entropy_to_floats import restore
from m2t.learn.integers.entropy_to_integers import export
from m2t.learn.networks.transformer import EntropyModel
from m2t.presets import tiny

from ..conftest import vary
from .conftest import seeded_model


def tokens(count: int) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(np.rint(3 * rng.standard_normal((count, 5, 6, 12)))).float()


@pytest.mark.parametrize(
    "change", [{}, {"masking": "mt"}, {"head": "factorised", "slices": (), "head_width": 0}]
)
def test_restored_model_predicts_as_the_one_that_was_exported(change):
    config = vary(tiny(), **change)
    model = seeded_model(config, 0).entropy.eval()
    y, t = tokens(8), torch.stack((torch.linspace(-1, 1, 8), torch.arange(8.0) % 2), 1)
    integers = export(
        model, config, calibrate(model, [(y[i : i + 1], t[i : i + 1]) for i in range(8)])
    )
    again = EntropyModel(config).eval()
    again.load_state_dict(restore(config, integers))
    with torch.no_grad():
        before, after = model(y, y, t), again(y, y, t)
    assert (after - before).abs().mean() < 0.05 * before.mean()
    torch.testing.assert_close(after.mean(), before.mean(), rtol=0.005, atol=0)
    torch.testing.assert_close(again.asked(t), model.asked(t), atol=0.02, rtol=0)


def exported_and_restored(model: EntropyModel, config: ModelConfig) -> EntropyModel:
    y, t = tokens(4), torch.stack((torch.linspace(-1, 1, 4), torch.arange(4.0) % 2), 1)
    again = EntropyModel(config).eval()
    again.load_state_dict(restore(config, export(model, config, calibrate(model, [(y, t)]))))
    return again


@torch.no_grad()
def test_weights_of_dead_units_do_not_grow() -> None:
    """Export after export: nothing holds a unit that no picture makes active."""
    config, dead, hidden = tiny(), [3, 7], tiny().entropy.head_width
    model = seeded_model(config, 0).entropy.eval()
    living = torch.arange(config.entropy.mlp_width) > max(dead)
    for name in ("blocks.0.mlp_in.bias", "head.from_trunk.bias"):  # of the first slice
        model.get_parameter(name)[dead] = -1e3
    y, t = tokens(4), torch.stack((torch.linspace(-1, 1, 4), torch.arange(4.0) % 2), 1)
    before = model(y, y, t)
    for _ in range(3):
        model = exported_and_restored(model, config)
        for name, count in (("blocks.0.mlp_in", None), ("head.from_trunk", hidden)):
            norms = model.get_parameter(f"{name}.weight")[:count].norm(dim=1)
            others = norms[living[: len(norms)]]
            assert others.min() <= norms[dead].min()
            assert norms[dead].max() <= others.max()
    torch.testing.assert_close(model(y, y, t).mean(), before.mean(), rtol=0.01, atol=0)


def test_gelu_is_refused():
    config = dataclasses.replace(tiny(), entropy=dataclasses.replace(tiny().entropy, style="gelu"))
    with pytest.raises(ModelError, match="GELU"):
        restore(config, {})
