"""Light transforms: a linear lapped transform, and residual networks at low resolution beside it.

    x ─ unshuffle to 1/8 ─┬─ linear, 4x4 stride 2 ───────────────────────┬─► y at 1/16
                          └─ 1x1, blocks, stride 2, blocks at 1/16, 1x1 ─┘

    y ─┬─ blocks at 1/16 ─┬─ shuffle to 1/4 ─┬─ 3x3 ─ 1x1 ─┬─ shuffle ─► x_hat
       │                  └─ blocks at 1/8 ──┤             │
       └─ linear, 4x4 stride 2 transposed ───┴─────────────┘

With `linear_analysis`, y is the linear transform alone. With or without, y does not depend on what
is asked for, so that one analysis serves all qualities and tunes. The linear part starts from the
principal components of 16x16 patches (`initialise`) and the residual parts from zero, so that
training starts near JPEG's rates, not at noise. Dense 3x3 convolutions at 1/16 resolution are the
cheapest capacity there is on a CPU.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...config import TransformConfig
from .roles import Roles
from .units import Units, between

_PATCH = 16
SUPPORT = 32
"""Side, in pixels, of the picture that a linear kernel is."""
UNIT, LMBDA_OF_UNIT = 64 / 255, 0.0063
"""Inside, images count in quantiser steps of this lambda: it calls for a distortion of
2.16 / lambda per orthonormal coefficient on the 255 scale, a step of 64."""


def to_eighth(x: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, 192, H/8, W/8), by way of 1/4 resolution."""
    return F.pixel_unshuffle(F.pixel_unshuffle(x, 4), 2)


def from_eighth(x: Tensor) -> Tensor:
    """The inverse of to_eighth."""
    return F.pixel_shuffle(F.pixel_shuffle(x, 2), 4)


def in_steps(x: Tensor) -> Tensor:
    """Pixels 0..1 as the linear transforms count them."""
    return (x - 0.5) / UNIT


class ResidualBlock(nn.Module):
    """x + 3x3(relu(3x3(norm(x)) + quality + tune)), the last convolution starting at zero.

    Without the norm, over channels at each place, large learning rates make the blocks explode.

    Args:
        aimed: the quality makes a difference.
        tuned: so does the tune.
    """

    def __init__(self, width: int, aimed: bool = False, tuned: bool = False) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.quality = nn.Parameter(torch.zeros(width)) if aimed else None
        self.tune = nn.Parameter(torch.zeros(width)) if tuned else None
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def units(self) -> Iterator[Units]:
        """Those between its convolutions."""
        shifts = (shift for shift in (self.quality, self.tune) if shift is not None)
        yield between(self.first, self.second, *shifts)

    def forward(self, x: Tensor, t: Tensor | None = None) -> Tensor:
        """(B, width, h, w) -> the same; `t` (B, 2) if the block is aimed."""
        normed = self._normed(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        hidden = self.first(normed)
        if self.quality is not None:
            assert t is not None
            hidden = hidden + self._shift(self.quality, t)[:, :, None, None]
        return x + self.second(F.relu(hidden))

    def _shift(self, quality: Tensor, t: Tensor) -> Tensor:
        """(B, width)"""
        shift = t[:, :1] * quality
        return shift if self.tune is None else shift + t[:, 1:] * self.tune

    def _normed(self, x: Tensor) -> Tensor:
        """RMSNorm in x's own precision: the fused kernel wants its weight in the same."""
        return F.rms_norm(x, x.shape[-1:], self.norm.weight.to(x.dtype), self.norm.eps)


def _precise(linear: nn.Module, x: Tensor) -> Tensor:
    """The linear part: in float32 in use, where bfloat16 would cost 0.03 dB at high quality."""
    if linear.training:
        return linear(x)
    with torch.autocast(x.device.type, enabled=False):
        return linear(x.float())


def _aimed_blocks(count: int, width: int, tuned: bool) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(width, aimed=True, tuned=tuned) for _ in range(count))


class FineBlocks(nn.Module):
    """Blocks at 1/8 resolution in the synthesis, which see the linear picture; zero at first."""

    def __init__(self, config: TransformConfig, tuned: bool = False) -> None:
        super().__init__()
        half = config.width // 2
        self.spread = nn.Conv2d(config.width, 4 * half, 1)
        self.blend = nn.Conv2d(192, half, 1)
        self.blocks = _aimed_blocks(config.fine_blocks, half, tuned)
        self.leave = nn.Conv2d(half, 4 * config.render_width, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, z: Tensor, plain: Tensor, t: Tensor) -> Tensor:
        """z (B, width, h, w), plain (B, 192, 2 h, 2 w) -> (B, render_width, 4 h, 4 w)."""
        z = F.pixel_shuffle(self.spread(z), 2) + self.blend(plain)
        for block in self.blocks:
            z = block(z, t)
        return F.pixel_shuffle(self.leave(F.relu(z)), 2)


class LappedAnalysis(nn.Module):
    """x (B, 3, H, W) -> y (B, C, H/16, W/16)."""

    mixed_precision = True
    """Its networks lose next to nothing in bfloat16."""

    def __init__(self, config: TransformConfig) -> None:
        super().__init__()
        channels, width = config.latent_channels, config.width
        half = width // 2
        self.linear = nn.Conv2d(192, channels, 4, stride=2, padding=1)
        self.is_linear = config.linear_analysis
        if self.is_linear:
            return
        self.enter = nn.Conv2d(192, half, 1)
        self.block = ResidualBlock(half)
        self.fine = nn.ModuleList(ResidualBlock(half) for _ in range(config.fine_blocks))
        self.down = nn.Conv2d(half, width, 2, stride=2)
        self.blocks = nn.ModuleList(ResidualBlock(width) for _ in range(config.blocks))
        self.leave = nn.Conv2d(width, channels, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def roles(self) -> Roles:
        """What sets some layers apart."""
        if self.is_linear:
            return Roles(("linear",))
        return Roles(("linear",), ("leave",), {"enter": 8})

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """`t` (B, 2), what is asked for, makes no difference here."""
        x = to_eighth(in_steps(x))
        if self.is_linear:
            return _precise(self.linear, x)
        z = self.block(self.enter(x))
        for block in self.fine:
            z = block(z)
        z = self.down(F.relu(z))
        for block in self.blocks:
            z = block(z)
        return _precise(self.linear, x) + self.leave(F.relu(z))


class LappedSynthesis(nn.Module):
    """y_hat (B, C, h, w) -> x_hat (B, 3, 16 h, 16 w)."""

    mixed_precision = True
    """Its networks lose next to nothing in bfloat16."""

    def __init__(self, config: TransformConfig, tuned: bool = False) -> None:
        super().__init__()
        channels, width, render = config.latent_channels, config.width, config.render_width
        self.linear = nn.ConvTranspose2d(channels, 192, 4, stride=2, padding=1)
        self.balance = nn.Parameter(torch.zeros(channels))
        """Log scale of each channel on its way into the blocks: variances differ by 10^5."""
        self.enter = nn.Conv2d(channels, width, 1)
        self.blocks = _aimed_blocks(config.blocks, width, tuned)
        self.fine = FineBlocks(config, tuned) if config.fine_blocks else None
        self.spread = nn.Conv2d(width, 16 * render, 1)
        self.blend = nn.Conv2d(48, render, 1)
        self.render = nn.Conv2d(render, render, 3, padding=1)
        self.leave = nn.Conv2d(render, 48, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def roles(self) -> Roles:
        """What sets some layers apart."""
        roles = Roles(("linear",), ("leave",), {"blend": 4})
        return roles if self.fine is None else roles | Roles((), ("fine.leave",), {"fine.blend": 8})

    def units(self) -> Iterator[Units]:
        """The channels of the stream at 1/16, which its last block adds to."""
        last = self.blocks[-1].get_submodule("second") if self.blocks else self.enter
        readers = [self.spread] if self.fine is None else [self.spread, self.fine.spread]
        columns = tuple(reader.weight for reader in readers)
        yield Units(self.spread, (), (last.get_parameter("bias"),), columns)

    def initialise(self, analysis: LappedAnalysis, patches: Tensor) -> Tensor:
        """Start both transforms: see initialise()."""
        return initialise(analysis, self, patches)

    def forward(self, y_hat: Tensor, t: Tensor, linear_gradient: bool = False) -> Tensor:
        """`t` (B, 2): see VariableTransforms. A linear gradient passes by the networks."""
        coarse = _precise(self.linear, y_hat)  # (B, 192, 2 h, 2 w)
        plain = F.pixel_shuffle(coarse, 2)  # (B, 48, 4 h, 4 w)
        seen = (y_hat, coarse, plain)
        if linear_gradient:
            seen = (y_hat.detach(), coarse.detach(), plain.detach())
        return F.pixel_shuffle(plain + self._added(*seen, t), 4) * UNIT + 0.5

    def _added(self, y_hat: Tensor, coarse: Tensor, plain: Tensor, t: Tensor) -> Tensor:
        """What the networks add (B, 48, 4 h, 4 w) to the linear picture, at 1/8 and at 1/4."""
        z = self.enter(y_hat * self.balance.exp()[:, None, None])
        for block in self.blocks:
            z = block(z, t)
        z = F.relu(z)
        fine = None if self.fine is None else self.fine(z, coarse, t)
        z = F.pixel_shuffle(self.spread(z), 4) + self.blend(plain)
        z = z if fine is None else z + fine
        z = z + self.render(F.relu(z))
        return self.leave(F.relu(z))

    def energies(self) -> Tensor:
        """(C,) squared norm of what a 1 in each channel paints: the linear part's, nearly all."""
        return self.linear.weight.float().square().sum((1, 2, 3)) * UNIT**2


@torch.no_grad()
def initialise(analysis: LappedAnalysis, synthesis: LappedSynthesis, patches: Tensor) -> Tensor:
    """Start the linear transforms from the principal components of `patches` (n, 3, 16, 16).

    Returns:
        (C,) standard deviation of each channel of y, by which the channels are ordered.
    """
    channels = analysis.linear.out_channels
    flat = (patches.double() - 0.5).flatten(1)
    energies, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))
    order = energies.argsort(descending=True)[:channels]
    basis = vectors.T[order].float().view(-1, 3, _PATCH, _PATCH)
    taps = to_eighth(basis)  # (C, 192, 2, 2): the central taps of the 4x4 kernels
    for conv in (analysis.linear, synthesis.linear):
        conv.weight.zero_()
        conv.weight[: len(taps), :, 1:3, 1:3] = taps
        assert conv.bias is not None
        conv.bias.zero_()
    std = torch.ones(channels) * 0.1
    std[: len(order)] = energies[order].clamp_min(1e-8).sqrt().float() / UNIT
    synthesis.balance.copy_(-0.75 * torch.log(std + math.exp(-4)))
    return std
