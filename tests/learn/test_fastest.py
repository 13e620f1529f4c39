"""Which operations are chosen: the fastest that give what the reference gives."""

import pytest
import torch
from torch import Tensor

from m2t.engine.native import levels
from m2t.learn.devices import fastest as on_device
from m2t.learn.devices.int8_products import FloatKernel
from m2t.learn.devices.operations import TorchOperations
from m2t.predict import fastest
from m2t.predict.operations import Norm
from m2t.predict.reference import ReferenceOperations

CPU = torch.device("cpu")
FLOAT, REFERENCE = TorchOperations(FloatKernel(), CPU), ReferenceOperations()
FASTEST = fastest.choose()


def test_operations_that_differ_are_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The native norm with a reciprocal root of its own, off by one bit."""

    class Sloppy(TorchOperations):
        def norm(self, norm: Norm, h: Tensor) -> Tensor:
            gain = torch.nextafter(norm.gain, norm.gain + 1)
            return super().norm(norm._replace(gain=gain * (1 + 1e-4)), h)

    sloppy = Sloppy(FloatKernel(), CPU)
    monkeypatch.setattr(on_device, "candidates", lambda _: iter([sloppy, FLOAT]))
    assert on_device.choose(torch.device("meta")) is FLOAT
    monkeypatch.setattr(on_device, "candidates", lambda _: iter([sloppy]))
    assert on_device.choose(torch.device("meta")).name == FASTEST.name


def test_a_kernel_that_saturates_is_not_chosen() -> None:
    class Saturating(FloatKernel):
        def linear(self, x: Tensor, weight: Tensor) -> Tensor:
            return super().linear(x, weight).clamp(-32768, 32767)

    expected = on_device.results(REFERENCE)
    assert not on_device.passes(TorchOperations(Saturating(), CPU), expected)
    assert on_device.passes(FLOAT, expected)


def test_compiled_operations_are_chosen_where_there_are_any() -> None:
    assert FASTEST.name == (levels()[-1] if len(levels()) > 1 else "any")
