"""What the eye sees: the reference against autograd, and C against the reference."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from m2t.engine import eye_tables as tables
from m2t.engine.distortion import BLOCK, STIFFNESS, pixel_slopes
from m2t.engine.reference import ReferenceDistortions
from m2t.learn import ssimulacra2
from m2t.learn.floats import distortion as by_torch

from ..engine.test_eye import SIZES, Painted, Pixels, close, pair, reference


def tensors(x: Pixels, x_hat: Painted, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """(3, H, W) each, as pixels of 0 to 1."""
    painted = (torch.from_numpy(x_hat).to(dtype) / 64 + 127.5) / 255
    return torch.from_numpy(x).to(dtype).permute(2, 0, 1) / 255, painted.permute(2, 0, 1)


@pytest.fixture
def in_doubles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The distance as ssimulacra2.py defines it, in float64."""
    smoothing = ssimulacra2._smoothing
    monkeypatch.setattr(ssimulacra2, "_smoothing", lambda *args: smoothing(*args).double())
    weights = ssimulacra2._weights
    monkeypatch.setattr(ssimulacra2, "_weights", lambda *args: weights(*args).double())
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("in_doubles")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [10, 50, 95])
def test_it_is_the_gradient_of_the_distance(size: tuple[int, int], quality: int) -> None:
    x, x_hat = pair(*size, quality)
    seen, painted = tensors(x, x_hat, torch.float64)
    painted = painted[None].contiguous().requires_grad_()
    clamped = painted.clamp(0, 1)
    mse = 255**2 * (clamped - seen).square().mean()
    distances = ssimulacra2._distances(seen[None], clamped, ssimulacra2.Parts())
    distance = ssimulacra2.EYE_RATE * distances.sum()
    cost = torch.lerp(mse, distance, ssimulacra2.EYE_SHARE) * x[..., 0].size
    (expected,) = torch.autograd.grad(cost, painted)
    assert close(reference(x, x_hat), expected[0].permute(1, 2, 0), 3e-4)


def test_constants_are_those_of_training() -> None:
    assert tables.WEIGHTS == ssimulacra2.WEIGHTS
    assert tables.OPSIN == ssimulacra2._OPSIN
    for name in ("BIAS", "C2"):
        assert getattr(tables, name) == getattr(ssimulacra2, f"_{name}")
    for name in ("EYE_SHARE", "EYE_RATE", "SMALLEST", "STRUCTURE", "ADDED", "LOST"):
        assert getattr(tables, name) == getattr(ssimulacra2, name)
    assert [ssimulacra2.COLOURS.index(c) for c in "XYB"] == [tables.X, tables.Y, tables.B]
    assert (BLOCK, STIFFNESS) == (by_torch.BLOCK, by_torch.STIFFNESS)
    taps = [math.exp(-0.5 * (away / 1.5) ** 2) for away in range(6)]
    assert (
        pytest.approx([tap / (2 * sum(taps) - taps[0]) for tap in taps], rel=1e-12) == tables.TAPS
    )
    assert pytest.approx(tables.BIAS, rel=1e-14) == tables.BIAS_ROOT**3


@pytest.mark.parametrize("size", [(7, 30), (40, 7), (16, 8), (50, 33), (70, 16 * BLOCK + 5)])
@pytest.mark.parametrize("tune", by_torch.Tune.__args__)
def test_whole_pictures_agree_with_autograd(size: tuple[int, int], tune: by_torch.Tune) -> None:
    x, x_hat = pair(*size)
    slopes, stiffness = pixel_slopes(x, x_hat, tune, ReferenceDistortions())
    expected, expected_stiffness = by_torch.pixel_slopes(*tensors(x, x_hat, torch.float32), tune)
    assert slopes.dtype == stiffness.dtype == np.float32
    assert close(slopes, expected.permute(1, 2, 0), 1e-3)
    assert close(stiffness, expected_stiffness, 1e-4)
