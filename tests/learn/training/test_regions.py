"""Regions that are compiled: the same results, one compilation for all shapes of crops."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from m2t.learn.networks import mixture
from m2t.learn.training import regions

from ..conftest import photograph

SHAPES = ((4, 6, 6), (6, 5, 4), (7, 4, 5))
"""Numbers, heights and widths of crops, in tokens; none has a side like the first one's."""


@pytest.fixture
def traced(monkeypatch):
    """As training compiles, but for the last step, which takes a C++ compiler minutes."""
    torch._dynamo.reset()
    counters.clear()
    monkeypatch.setitem(regions.HOW, "backend", "aot_eager")
    yield
    torch._dynamo.reset()


def crops(count: int, height: int, width: int) -> Tensor:
    some = [photograph(16 * width, 16 * height, seed=i) for i in range(count)]
    return torch.stack([torch.from_numpy(np.asarray(x).copy()).permute(2, 0, 1) for x in some])


@pytest.mark.filterwarnings("ignore")  # of PyTorch's about itself
@pytest.mark.usefixtures("traced")
def test_compiled_regions_compute_what_the_model_does(make_trainer):
    plain = make_trainer("train.dtype=float32")
    compiled = make_trainer("train.dtype=float32", "train.compile=true")
    num_graphs = 0
    for shape in SHAPES:
        batch = crops(*shape)
        torch.testing.assert_close(compiled.backward(batch), plain.backward(batch))
        for (name, a), b in zip(
            plain.model.named_parameters(), compiled.model.parameters(), strict=True
        ):
            assert a.grad is not None
            error = (a.grad - b.grad).norm() / a.grad.norm().clamp_min(1e-4)
            assert error < 2e-3, name
        num_graphs = num_graphs or counters["stats"]["unique_graphs"]
    assert counters["stats"]["unique_graphs"] == num_graphs
    assert not counters["graph_break"]


def test_what_notes_activations_is_not_compiled(make_trainer):
    for integers in ("false", "true"):
        trainer = make_trainer("train.compile=true", f"train.integers={integers}")
        parts = (trainer.model.entropy.blocks[0], trainer.model.entropy.head)
        assert [part._compiled_call_impl is None for part in parts] == 2 * [integers == "true"]


def test_evaluations_are_not_compiled(make_trainer):
    torch._dynamo.reset()
    counters.clear()
    trainer = make_trainer("train.compile=true")
    assert trainer.evaluate()["loss"] > 0
    assert not counters["stats"]


def test_bits_are_the_same_where_a_compiler_finds_the_gradient():
    generator = torch.Generator().manual_seed(0)
    y = 3 * torch.randn(5, 4, dtype=torch.float64, generator=generator)
    raw = torch.randn(3, 5, 2, 4, dtype=torch.float64, generator=generator)
    gradients = []
    for bits in (mixture._plain_bits, mixture._Bits.apply):
        inputs = [v.clone().requires_grad_() for v in (y, *raw)]
        gradients.append(torch.autograd.grad(bits(*inputs).sum(), inputs))
    torch.testing.assert_close(*gradients)
