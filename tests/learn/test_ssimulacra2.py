"""The distance that is trained on: SSIMULACRA2's, and differentiable."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from m2t.engine.score import ssimulacra2
from m2t.learn.ssimulacra2 import distances, score

from ..conftest import photograph

PHOTO = Path(__file__).parents[2] / "examples" / "photo.png"


def tensor(image: Image.Image) -> Tensor:
    pixels = np.asarray(image.convert("RGB")).copy()
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


@pytest.mark.parametrize("quality", [10, 40, 90, 97])
@pytest.mark.parametrize("box", [(0, 0, 512, 384), (101, 50, 398, 327)])
def test_it_is_the_score_of_the_package(tmp_path: Path, quality: int, box) -> None:
    package = pytest.importorskip("ssimulacra2")
    image = Image.open(PHOTO).convert("RGB").crop(box)
    worse = as_jpeg(image, quality)
    image.save(tmp_path / "a.png")
    worse.save(tmp_path / "b.png")
    expected = package.compute_ssimulacra2(tmp_path / "a.png", tmp_path / "b.png")
    assert score(distances(tensor(image), tensor(worse))).item() == pytest.approx(expected, abs=0.2)


def test_equal_pictures_have_no_distance_and_no_gradient() -> None:
    x = torch.rand(2, 3, 40, 48)
    x_hat = x.clone().requires_grad_()
    distance = distances(x, x_hat)
    assert (distance.abs() < 1e-4).all()
    distance.sum().backward()
    assert x_hat.grad is not None
    assert torch.isfinite(x_hat.grad).all()


@pytest.mark.parametrize("size", [(16, 16), (100, 37), (260, 260)])
def test_its_gradient_is_that_of_finite_differences(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8), size, mode="bicubic")
    x = smooth.clamp(0.1, 0.9)
    x_hat = (x + 0.05 * torch.randn_like(x)).requires_grad_()
    (gradient,) = torch.autograd.grad(distances(x, x_hat).sum(), x_hat)
    direction = gradient / gradient.norm()
    step = 0.02
    ends = [distances(x, x_hat.detach() + sign * step * direction).item() for sign in (-1, 1)]
    slope = (ends[1] - ends[0]) / (2 * step)
    assert slope == pytest.approx(gradient.norm().item(), rel=0.02)


def test_pictures_are_judged_one_by_one_and_without_autocast() -> None:
    x, x_hat = torch.rand(3, 3, 64, 48), torch.rand(3, 3, 64, 48)
    together = distances(x, x_hat)
    alone = torch.cat([distances(a[None], b[None]) for a, b in zip(x, x_hat, strict=True)])
    torch.testing.assert_close(together, alone)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(distances(x, x_hat), together)


def test_it_can_be_used_after_inference_mode() -> None:
    x = torch.rand(1, 3, 52, 44)
    with torch.inference_mode():
        distances(x, x)
    x_hat = torch.rand(1, 3, 52, 44, requires_grad=True)
    distances(x, x_hat).sum().backward()
    assert x_hat.grad is not None


@pytest.mark.parametrize("size", [(16, 16), (101, 37), (620, 130)])
def test_the_score_in_numpy_is_the_same(size: tuple[int, int]) -> None:
    x = np.asarray(photograph(*size))
    x_hat = x ^ np.uint8(8)
    original, painted = (torch.tensor(v).permute(2, 0, 1)[None] / 255 for v in (x, x_hat))
    distance = distances(original, painted)
    assert ssimulacra2(x, x_hat) == pytest.approx(score(distance).item(), abs=0.01)
