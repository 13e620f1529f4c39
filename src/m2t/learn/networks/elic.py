"""ELIC's analysis and synthesis (He et al., CVPR 2022), as the M2T paper uses them (3.2)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...config import TransformConfig
from .roles import Roles
from .units import Units, between


class ResidualBottleneck(nn.Module):
    """x + 1x1(relu(3x3(relu(1x1(x))))), half the channels inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width // 2, 1),
            nn.ReLU(),
            nn.Conv2d(width // 2, width // 2, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width // 2, width, 1),
        )

    def units(self) -> Iterator[Units]:
        """Those before the 3x3 convolution, and behind it."""
        first, _, middle, _, last = self.body
        yield between(first, middle)
        yield between(middle, last)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) -> the same."""
        return x + self.body(x)


class SimpleAttention(nn.Module):
    """Cheng 2020's simplified attention: x + trunk(x) * sigmoid(gate(x))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*(ResidualBottleneck(width) for _ in range(3)))
        self.gate = nn.Sequential(
            *(ResidualBottleneck(width) for _ in range(3)), nn.Conv2d(width, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) -> the same."""
        return x + self.trunk(x) * self.gate(x).sigmoid()


def _down(inputs: int, outputs: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)


def _stage(config: TransformConfig) -> list[nn.Module]:
    return [ResidualBottleneck(config.width) for _ in range(config.blocks)]


def _up(inputs: int, outputs: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)


class ElicAnalysis(nn.Module):
    """x (B, 3, H, W) -> y (B, C, H/16, W/16)."""

    mixed_precision = False

    def __init__(self, config: TransformConfig) -> None:
        n = config.width
        super().__init__()
        self.layers = nn.Sequential(
            *[_down(3, n), *_stage(config)],
            *[_down(n, n), *_stage(config), SimpleAttention(n)],
            *[_down(n, n), *_stage(config)],
            *[_down(n, config.latent_channels), SimpleAttention(config.latent_channels)],
        )

    def roles(self) -> Roles:
        """All layers are alike."""
        return Roles()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """`t` (B, 2), what is asked for, makes no difference here."""
        return self.layers(x - 0.5)


class ElicSynthesis(nn.Module):
    """y_hat (B, C, h, w) -> x_hat (B, 3, 16 h, 16 w)."""

    mixed_precision = False

    def __init__(self, config: TransformConfig) -> None:
        n = config.width
        super().__init__()
        self.channels = config.latent_channels
        self.layers = nn.Sequential(
            SimpleAttention(config.latent_channels),
            *[_up(config.latent_channels, n), *_stage(config)],
            *[_up(n, n), SimpleAttention(n), *_stage(config)],
            *[_up(n, n), *_stage(config)],
            _up(n, 3),
        )

    def roles(self) -> Roles:
        """All layers are alike."""
        return Roles()

    def initialise(self, analysis: ElicAnalysis, patches: Tensor) -> None:
        """There is no linear part to start from data: weights stay random."""

    def forward(self, y_hat: Tensor, t: Tensor, linear_gradient: bool = False) -> Tensor:
        """`t` (B, 2), what is asked for, makes no difference here, and there is no linear part."""
        return self.layers(y_hat) + 0.5

    def energies(self) -> Tensor:
        """(C,) squared norm of what a 1 in each channel, amid 5x5 tokens of 0, changes."""
        side = 5
        impulses = torch.eye(self.channels).view(self.channels, self.channels, 1, 1)
        impulses = F.pad(impulses, [side // 2] * 4).to(self.layers[-1].weight)  # pyright: ignore
        nothing = self.layers(torch.zeros_like(impulses[:1]))
        return torch.cat(
            [(self.layers(i) - nothing).square().sum((1, 2, 3)) for i in impulses.split(16)]
        )
