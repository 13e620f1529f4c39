"""The optimiser of the linear transforms, and transforms that grow."""

import pytest
import torch
from torch import nn

from m2t.config import TransformConfig
from m2t.learn.networks.lapped import LappedAnalysis, from_eighth, in_steps, to_eighth
from m2t.learn.networks.transforms import build
from m2t.learn.training.frequencies import of_kernels, of_pictures, strengths, to_kernels, whitening
from m2t.learn.training.lapped import FAINTEST, LappedAdam


def test_frequencies_are_a_rotation_of_the_kernels():
    kernels = torch.randn(5, 192, 4, 4)
    frequencies = of_kernels(kernels)
    torch.testing.assert_close(frequencies.norm(), kernels.norm())
    torch.testing.assert_close(to_kernels(frequencies), kernels, atol=5e-5, rtol=0)


def test_eighth_and_back():
    x = torch.rand(2, 3, 32, 48)
    assert torch.equal(from_eighth(to_eighth(x)), x)


def test_kernels_are_the_pictures_that_they_respond_to():
    """A kernel's frequencies are those of the image patch that it is the analysis of."""
    config = TransformConfig("lapped", latent_channels=1, width=8, blocks=0, render_width=4)
    analysis = LappedAnalysis(config)
    picture = torch.randn(1, 3, 32, 32)
    analysis.linear.weight.data = to_eighth(picture)
    surrounded = to_eighth(nn.functional.pad(picture, (8, 8, 8, 8)))
    assert analysis.linear.bias is not None
    response = analysis.linear(surrounded) - analysis.linear.bias
    assert response.argmax() == 4  # of 3x3 places, the middle
    torch.testing.assert_close(response[0, 0, 1, 1], picture.square().sum())


def test_flat_patches_have_one_frequency():
    seen = strengths(torch.full((4, 3, 32, 32), 0.75))
    assert seen.argmax() == 0
    assert seen.flatten()[1:].max() < 1e-4 * seen[0, 0, 0]


@pytest.mark.parametrize("side", [4, 8])
def test_whitening_makes_frequencies_even(side):
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(2000, 3, side, side, generator=generator).cumsum(2).cumsum(3) / side**2
    x = in_steps(smooth)
    blocks = to_eighth(x) if side == 8 else nn.functional.pixel_unshuffle(x, side)
    even = blocks.flatten(1) @ whitening(smooth).T
    strong = of_pictures(x).square().mean(0).sqrt().flatten() > 0.3
    sizes = even.square().mean(0).sqrt()
    assert sizes.max() <= 1.01
    assert sizes[strong].min() > 0.9


@pytest.mark.parametrize("repeats", [1, 3])
def test_each_part_of_a_step_changes_outputs_alike(repeats):
    analysis, synthesis = (nn.Parameter(torch.randn(6, 192, 4, 4)) for _ in range(2))
    before = [analysis.detach().clone(), synthesis.detach().clone()]
    strength = torch.logspace(2, -3, 3072).view(3, 32, 32)
    optimizer = LappedAdam(analysis, synthesis, strength, lr=1e-3)
    channels = of_kernels(before[0]).mul(strength).square().sum((1, 2, 3)).sqrt()
    analysis.grad = torch.randn(6, 192, 4, 4)
    synthesis.grad = torch.randn(6, 192, 4, 4) * torch.logspace(0, 4, 6)[:, None, None, None]
    for _ in range(repeats):
        optimizer.step()
    moved = of_kernels((analysis - before[0]).detach())
    change = (moved * strength).abs()[:, strength > FAINTEST * 3]
    torch.testing.assert_close(change, torch.full_like(change, repeats * 1e-3), rtol=0.06, atol=0)
    moved = of_kernels((synthesis - before[1]).detach()).abs().mean((1, 2, 3)) * channels
    torch.testing.assert_close(moved, torch.full((6,), repeats * 1e-3), rtol=0.06, atol=0)


@pytest.mark.parametrize("growth", [{"fine_blocks": 2}, {"blocks": 4}])
def test_new_blocks_begin_as_the_identity(growth):
    usual = {"kind": "lapped", "latent_channels": 12, "width": 16, "blocks": 1, "render_width": 8}
    small, large = build(TransformConfig(**usual)), build(TransformConfig(**(usual | growth)))
    t = torch.zeros(1, 2)
    for before, after, data in zip(
        small, large, (torch.rand(1, 3, 48, 32), torch.randn(1, 12, 3, 2)), strict=True
    ):
        missing, unexpected = after.load_state_dict(before.state_dict(), strict=False)
        assert missing
        assert not unexpected
        torch.testing.assert_close(after(data, t), before(data, t))
