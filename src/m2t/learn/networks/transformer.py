"""The masked transformer: token integers in, mixtures of the next tokens out.

One network for MT and M2T; predict/slots.py says what distinguishes them, and
predict/predictor.py drives it group by group when bits are coded.
"""

import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...config import ModelConfig, ScheduleConfig
from ...geometry.schedule import build
from ...predict.slots import NONE, Slots, m2t_slots, mt_slots
from .head import build_head
from .layers import Block, KeyValueCache, norm
from .units import Units, between

_MASKED_SHARE = (0.05, 0.99)  # of an MT training window (paper 3.5)


class PlacedSlots(NamedTuple):
    """Slots (see there) as tensors on the network's device."""

    source: Tensor
    target: Tensor
    position: Tensor
    source_position: Tensor
    neighbours: Tensor
    bias: Tensor | None
    """(n, length) very negative where a slot may not look; None where all see everything."""


def sinusoids(window: int, width: int) -> Tensor:
    """(window^2, width): rows and columns as sines and cosines; where learned positions start."""
    frequencies = torch.exp(torch.linspace(math.log(math.pi / 2), math.log(0.1), width // 4))
    phase = torch.arange(window)[:, None] * frequencies
    waves = torch.zeros(window, (width + 1) // 2)
    waves[:, : 2 * (width // 4)] = torch.cat((phase.sin(), phase.cos()), dim=1)
    rows = waves[:, None, :].expand(-1, window, -1)
    columns = waves[None, :, : width - rows.shape[2]].expand(window, -1, -1)
    return torch.cat((rows, columns), dim=2).reshape(window * window, width)


class EntropyModel(nn.Module):
    """Transformer, embeddings and head.

    `t` (B, 2) stands for what is asked for everywhere, as in transforms.py: the quality, about -1
    at the lowest lambda to 1 at the highest, and the tune.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        e, channels = config.entropy, config.transform.latent_channels
        self.config, self.schedule = e, config.schedule
        self.embed = nn.Linear(channels, e.width)
        self.mask_token = nn.Parameter(torch.randn(config.num_always) * 0.02)
        self.positions = nn.Parameter(0.1 * sinusoids(e.window, e.width))
        if e.source_positions:
            self.source_positions = nn.Parameter(0.1 * sinusoids(e.window, e.width))
        if e.neighbours:
            self.neighbours = nn.Linear(8 * channels, e.width, bias=False)
            self.neighbours_known = nn.Linear(8, e.width, bias=False)
        self.quality = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, e.width))
        self.blocks = nn.ModuleList(
            Block(e.width, e.heads, e.mlp_width, e.style) for _ in range(e.layers)
        )
        self.norm = norm(e.width, e.style)
        self.head = build_head(config)
        # log of each channel's scale, affine in t: the unit of the head's means and scales
        self.prior_scale = nn.Parameter(torch.zeros(channels))
        self.prior_slope = nn.Parameter(torch.zeros(channels))
        self.rise = config.rise
        if self.rise is not None:
            self.prior_rise = nn.Parameter(torch.zeros(channels))  # as the gain's
        self.tuned = bool(config.rate.eye)
        if self.tuned:
            self.tune = nn.Parameter(torch.zeros(e.width))
            self.tuned_prior_scale = nn.Parameter(torch.zeros(channels))
            self.tuned_prior_slope = nn.Parameter(torch.zeros(channels))

    def units(self) -> Iterator[Units]:
        """Those that see the quality; blocks and head have their own."""
        first, _, last = self.quality
        yield between(first, last)

    def adam_parameters(self) -> set[str]:
        """Names of what Muon does not suit: vectors, tables, first and last layers."""
        parts = ("positions", "mask_token", "quality.", "head.out.", "embed.")
        return {
            name
            for name, parameter in self.named_parameters()
            if parameter.ndim < 2 or any(part in name for part in parts)
        }

    def slow_parameters(self) -> set[str]:
        """None: see Model."""
        return set()

    def squash(self, y_hat: Tensor) -> Tensor:
        """Token integers as the network takes them (paper 3.3, or the logarithm)."""
        if self.config.delta:
            return y_hat / self.config.delta
        return y_hat.sign() * torch.log1p(y_hat.abs())

    def asked(self, t: Tensor) -> Tensor:
        """(B, 2) -> (B, width): what every slot learns of what is asked for."""
        asked = self.quality(t[:, :1])
        return asked + t[:, 1:] * self.tune if self.tuned else asked

    def prior(self, t: Tensor) -> Tensor:
        """(B, 2) -> (B, 1, C): log scale of each channel, at least a rounding error's."""
        quality, tune = t[:, None, :1], t[:, None, 1:]
        log_scale = self.prior_scale + self.prior_slope * quality
        if self.tuned:
            added = self.tuned_prior_scale + self.tuned_prior_slope * quality
            log_scale = log_scale + tune * added
        if self.rise is not None:
            log_scale = log_scale + self.prior_rise * (quality - self.rise).clamp_min(0)
        return 0.5 * torch.log(torch.exp(2 * log_scale) + 1 / 12)

    def trunk(
        self,
        tokens: Tensor,
        slots: PlacedSlots,
        t: Tensor,
        caches: list[KeyValueCache] | None = None,
    ) -> Tensor:
        """Run slots through the transformer: (B, n, width).

        Args:
            tokens: (B, N, C) squashed tokens in raster order; what is not known is never read.
            slots: which of them each slot carries and sees.
            t: (B, 2) what is asked for.
            caches: one per block, holding the slots of earlier groups.
        """
        device = tokens.device.type
        if torch.is_autocast_enabled(device):  # halves the traffic of gathering neighbours
            tokens = tokens.to(torch.get_autocast_dtype(device))
        source, neighbours = slots.source, slots.neighbours
        # NONE is the last row: zeros; what a slot carries then is the mask token, before it.
        later = tokens.shape[2] - len(self.mask_token)  # of which it has nothing
        mask_token = F.pad(self.mask_token, (0, later)).to(tokens)
        extra = torch.stack((mask_token, torch.zeros_like(mask_token)))
        tokens = torch.cat((tokens, extra.expand(len(tokens), -1, -1)), dim=1)
        x = self.embed(_gather(tokens, torch.where(source == NONE, NONE - 1, source)))
        x = x + self.positions.index_select(0, slots.position)
        if self.config.source_positions:
            place = slots.source_position
            x = x + self.source_positions.index_select(0, place.flatten()).unflatten(0, place.shape)
        if self.config.neighbours:
            around = _gather(tokens, neighbours.flatten(-2)).unflatten(1, neighbours.shape[-2:])
            x = x + self.neighbours(around.flatten(-2))
            x = x + self.neighbours_known((neighbours != NONE).to(tokens.dtype))
        x = x + self.asked(t)[:, None]
        bias = None if slots.bias is None else slots.bias.to(x)
        for i, block in enumerate(self.blocks):
            x = block(x, bias, None if caches is None else caches[i])
        return self.norm(x)

    def bits_at(self, y: Tensor, y_hat: Tensor, slots: PlacedSlots, t: Tensor) -> Tensor:
        """Bits (B, n, C) of y (B, n, C) as the slots' targets in one pass; tokens (B, N, C)."""
        tokens = self.squash(y_hat)
        trunk = self.trunk(tokens, slots, t)
        return self.head(y, trunk, tokens.index_select(1, slots.target), self.prior(t))

    def forward(self, y: Tensor, y_hat: Tensor, t: Tensor) -> Tensor:
        """Bits (B, h, w, C) of windows of latents.

        M2T: the whole rate in one pass (Eq. 2). MT: in training, a random share of each window is
        masked and its bits are divided by that share, an unbiased estimate on the scale of the
        whole rate; in evaluation, all steps are run.

        Args:
            y: (B, h, w, C) where the density is evaluated: noisy latents in training.
            y_hat: (B, h, w, C) rounded latents, what the decoder sees.
        """
        height, width = y.shape[1:3]
        y, y_hat = y.flatten(1, 2), y_hat.flatten(1, 2)
        window = self.config.window
        if self.config.masking == "m2t":
            slots = placed_m2t_slots(self.schedule, height, width, window, y.device)
            bits = self.bits_at(y.index_select(1, slots.target), y_hat, slots, t)
            bits = torch.zeros_like(bits).index_copy(1, slots.target, bits)
        elif self.training:
            known, share = _random_known(*y.shape[:2])
            slots = place(mt_slots(known.numpy(), height, width, window), y.device)
            bits = self.bits_at(y, y_hat, slots, t)
            bits = bits * ((~known) / share).to(bits)[..., None]
        else:
            bits = self._stepwise_bits(y, y_hat, t, height, width)
        return bits.unflatten(1, (height, width))

    def _stepwise_bits(
        self, y: Tensor, y_hat: Tensor, t: Tensor, height: int, width: int
    ) -> Tensor:
        """MT's bits, step by step along the fixed schedule."""
        schedule = build(self.schedule, height, width)
        known = torch.zeros(y.shape[:2], dtype=torch.bool)
        bits = torch.zeros_like(y)
        for part in schedule.slices:
            group = torch.from_numpy(schedule.order[part].copy())
            slots = place(mt_slots(known.numpy(), height, width, self.config.window), y.device)
            bits[:, group] = self.bits_at(y, y_hat, slots, t)[:, group]
            known[:, group] = True
        return bits


def _gather(tokens: Tensor, index: Tensor) -> Tensor:
    """tokens (B, N, C) at index (n,) or (B, n) -> (B, n, C); NONE and below count from the end."""
    index = torch.where(index < 0, index + tokens.shape[1], index)
    if index.ndim == 1:
        return _Gathered.apply(tokens, index)  # type: ignore[return-value] - untyped
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))


class _Gathered(torch.autograd.Function):
    """index_select(1, index) whose gradient is a product.

    Most slots know some of their neighbours only: one row, of zeros, stands for all others. Adding
    up what its readers say, one after the other, takes a GPU longer than the transformer.
    """

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.num_rows = tokens.shape[1]
        return tokens.index_select(1, index)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        rows = torch.arange(ctx.num_rows, device=index.device)
        return (rows[:, None] == index).to(grads[0].dtype) @ grads[0], None


def place(
    slots: Slots, device: torch.device, caches: list[KeyValueCache] | None = None
) -> PlacedSlots:
    """Slots on a device, behind those in the caches (one per block) if there are any."""
    *indices, limit = (torch.from_numpy(array).to(device) for array in slots)
    length = len(limit) + (caches[0].length if caches else 0)
    if (slots.limit >= length).all():
        return PlacedSlots(*indices, bias=None)
    hidden = torch.arange(length, device=device) >= limit[:, None]
    # Finite, or a row with nothing to see would become NaN.
    return PlacedSlots(*indices, bias=hidden * -1e4)


@functools.lru_cache(maxsize=256)
def placed_m2t_slots(
    config: ScheduleConfig, height: int, width: int, window: int, device: torch.device
) -> PlacedSlots:
    """Those of a masked-twice window: a step of training need not wait for them."""
    with torch.inference_mode(False):  # or training could not use what an evaluation made
        return place(m2t_slots(config, height, width, window), device)


def _random_known(batch: int, num_tokens: int) -> tuple[Tensor, Tensor]:
    """(B, N) bool: 5 to 99 % of each window masked (paper 3.5); and the share masked, (B, 1)."""
    low, high = _MASKED_SHARE
    share = low + (high - low) * torch.rand(batch, 1)
    count = (share * num_tokens).round().clamp(1, num_tokens).long()
    rank = torch.rand(batch, num_tokens).argsort(1).argsort(1)
    return rank >= count, count / num_tokens
