"""The transforms' sizes against published ones, their start from the KLT, and their strips."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from m2t.config import RateConfig, TransformConfig
from m2t.learn.networks.lapped import LappedAnalysis, LappedSynthesis, initialise
from m2t.learn.networks.model import Model
from m2t.learn.networks.transforms import build
from m2t.presets import light, paper, tiny

from ..conftest import nonlinear


def kmac_per_pixel(network: nn.Module, x: torch.Tensor, num_pixels: int) -> float:
    with FlopCounterMode(display=False) as counter:
        network(x, torch.zeros(1, 2, device=x.device))
    return counter.get_total_flops() / 2 / num_pixels / 1000


def millions(module: nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


@pytest.mark.parametrize(
    ("width", "channels", "kmac", "size"), [(256, 192, 434.2, 8.55), (192, 320, 255.0, 7.34)]
)
def test_elic_has_its_published_size(width: int, channels: int, kmac: float, size: float) -> None:
    with torch.device("meta"):
        analysis, synthesis = build(TransformConfig(latent_channels=channels, width=width))
        x, y = torch.empty(1, 3, 256, 256), torch.empty(1, channels, 16, 16)
    for network, data in ((analysis, x), (synthesis, y)):
        assert kmac_per_pixel(network, data, 256 * 256) == pytest.approx(kmac, abs=0.05)
        assert millions(network) == pytest.approx(size, abs=0.005)


def test_paper_transformer_has_its_published_size() -> None:
    with torch.device("meta"):
        model = Model(paper())
    assert millions(model.entropy) == pytest.approx(87.0, abs=0.1)


def test_light_is_light() -> None:
    with torch.device("meta"):
        model, more = Model(light()), LappedAnalysis(nonlinear(light()).transform)
        x, y = torch.empty(1, 3, 256, 256), torch.empty(1, 320, 16, 16)
    assert millions(model) < 20, "so that 16-bit weights stay under 40 MB"
    assert kmac_per_pixel(model.analysis, x, 256 * 256) < 4
    assert kmac_per_pixel(more, x, 256 * 256) < 33
    assert kmac_per_pixel(model.synthesis, y, 256 * 256) < 35


CONFIGS = [
    tiny().transform,
    nonlinear(tiny()).transform,
    TransformConfig(width=8, latent_channels=6),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("tokens", [(1, 1), (3, 5)])
def test_shapes(config: TransformConfig, tokens: tuple[int, int]) -> None:
    analysis, synthesis = build(config)
    height, width = (16 * n for n in tokens)
    y = analysis(torch.rand(2, 3, height, width), torch.zeros(2, 2))
    assert y.shape == (2, config.latent_channels, *tokens)
    assert synthesis(y, torch.zeros(2, 2)).shape == (2, 3, height, width)


def test_klt_start_reconstructs_and_orders_channels_by_energy() -> None:
    config = TransformConfig("lapped", latent_channels=768, width=8, blocks=1, render_width=4)
    analysis, synthesis = LappedAnalysis(config), LappedSynthesis(config)
    rough = torch.rand(3000, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    std = initialise(analysis, synthesis, rough.cumsum(2).cumsum(3) / 256)
    assert (std.diff() <= 1e-6).all()
    x, t = torch.rand(1, 3, 48, 32), torch.zeros(1, 2)
    with torch.no_grad():
        torch.testing.assert_close(synthesis(analysis(x, t), t), x, atol=1e-3, rtol=0)


def test_klt_start_has_the_steps_of_lambda_whatever_the_range() -> None:
    steps = []
    for largest in (0.08, 0.8):
        config = dataclasses.replace(tiny(), rate=RateConfig(0.0005, largest))
        model = Model(config)
        model.initialise(torch.rand(1000, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
        t = math.log(0.01 / config.rate.lmbda_mid) / config.rate.half_range
        aim = torch.tensor([[t, 0.0]])
        steps.append(torch.cat([model.log_gain(aim).flatten(), model.entropy.prior(aim).flatten()]))
    torch.testing.assert_close(*steps)


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_halo_is_enough(config: TransformConfig) -> None:
    """A strip with its halo gives the rows that the whole image gives; one token less may not."""
    torch.manual_seed(0)
    analysis, synthesis = (network.double() for network in build(config))  # to see the least
    for parameter in [*analysis.parameters(), *synthesis.parameters()]:
        parameter.add_(torch.randn_like(parameter), alpha=0.1)
    t = torch.zeros(1, 2, dtype=torch.float64)
    halos = (config.analysis_halo, config.synthesis_halo)
    for network, halo, unit in zip((analysis, synthesis), halos, (16, 1), strict=True):
        rows = 2 * halo + 4
        channels = 3 if unit == 16 else config.latent_channels
        data = torch.randn(1, channels, unit * rows, unit, dtype=torch.float64)
        whole = network(data, t)
        two = whole.shape[2] // rows * 2
        part = network(data[:, :, : unit * (2 + halo)], t)
        torch.testing.assert_close(part[:, :, :two], whole[:, :, :two], atol=1e-9, rtol=1e-9)
        part = network(data[:, :, unit * (2 + halo) :], t)
        torch.testing.assert_close(part[:, :, -two:], whole[:, :, -two:], atol=1e-9, rtol=1e-9)
        if config.kind == "lapped":  # whose halo is no larger than it must be
            part = network(data[:, :, : unit * (1 + halo)], t)
            assert not torch.allclose(part[:, :, :two], whole[:, :, :two], atol=1e-9, rtol=1e-9)
