"""No step of training waits for the device: no CUDA graph could be made of one that does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "unique_consecutive", "equal"}
"""Operations whose result, or its size, the program has to know."""


class Waited(Exception):
    """Something would have had to wait for a GPU."""


class Watched(TorchDispatchMode):
    """Raises Waited for an operation that waits."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None) -> Any:
        name = function.overloadpacket.__name__
        masks = [i for i in args[1] if i is not None] if name in ("index", "index_put") else []
        if name in WAITING or any(i.dtype == torch.bool for i in masks):
            raise Waited(name)
        return function(*args, **(kwargs or {}))


def watched(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(*args: Tensor) -> Tensor:
        with Watched():
            return function(*args)

    return call


@pytest.mark.parametrize("tune", ["psnr", "eye", "both"])
@pytest.mark.parametrize("integers", ["false", "true"])
def test_no_step_waits_for_the_device(make_trainer, integers, tune):
    trainer = make_trainer(f"train.integers={integers}", f"train.tune={tune}")
    batch = trainer.crops.batch(0)
    trainer.step(batch)  # the first one of a shape may
    trainer._compute, trainer._move = watched(trainer._compute), watched(trainer._move)
    assert torch.isfinite(trainer.step(batch)).all()


@pytest.mark.parametrize(
    "waits",
    [lambda x: x.max().item(), lambda x: x[x > 0], lambda x: bool(x.any()), lambda x: x.nonzero()],
)
def test_what_waits_is_noticed(waits):
    with pytest.raises(Waited):
        watched(waits)(torch.ones(3))


def test_largest_activations_stay_where_they_are(make_trainer):
    """What is replayed reads and writes memory, not names."""
    trainer = make_trainer("train.integers=true")
    trainer.step(trainer.crops.batch(0))
    places = {place: vector.data_ptr() for place, vector in trainer.largest.items()}
    before = {place: vector.clone() for place, vector in trainer.largest.items()}
    trainer.step(trainer.crops.batch(1))
    assert {place: vector.data_ptr() for place, vector in trainer.largest.items()} == places
    assert any(not torch.equal(before[place], v) for place, v in trainer.largest.items())
