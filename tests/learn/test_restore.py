"""An exported entropy model as floats again."""

import dataclasses

import numpy as np
import pytest
import torch

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


def test_gelu_is_refused():
    config = dataclasses.replace(tiny(), entropy=dataclasses.replace(tiny().entropy, style="gelu"))
    with pytest.raises(ModelError, match="GELU"):
        restore(config, {})
