"""From a trained float model to integers: calibrate scales on real latents, then round.

Scales are static: measured once, stored with the weights. Each layer's input has one scale per
channel where a norm or a ReLU precedes it (folded into the norm's gain, or the rows of the layer
before, and into the layer's columns), one for all channels elsewhere; each row of a weight has a
scale of its own.
"""

import math
from collections.abc import Iterable
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...coding.gaussians import MEAN_BITS
from ...coding.tables import SIGMAS_PER_OCTAVE, UNIT_SIGMA
from ...config import QUALITIES, ModelConfig
from ..head import SlicedHead
from ..layers import Block
from ..transformer import EntropyModel
from .arithmetic import (
    EXACT,
    EXP_ONE,
    EXP_STEPS,
    HIDDEN_STEPS,
    RESIDUAL_LIMIT,
    WEIGHT_LIMIT,
    WEIGHT_SUM,
)

LOG_STEP = math.log1p(255) / 127
"""Unit of squashed tokens where the network takes logarithms."""
SQUASH_ENTRIES = 256
SHARES = tuple(1 - 0.05 * i for i in range(10))
"""Of a row's largest weight: where it may be clipped for the good of the others."""
FAINTEST = 2.0**-12
"""Channels weaker than that, of the strongest one, are rounded as if they had it."""
HEADROOM = 8.0
"""The residual stream's limit over the largest value seen in calibration."""

RUNGS_PER_NAT = SIGMAS_PER_OCTAVE / math.log(2)

Stats = dict[str, Tensor]
"""Largest absolute value of each channel, by the place where it was seen."""


@torch.inference_mode()
def calibrate(model: EntropyModel, windows: Iterable[tuple[Tensor, Tensor]]) -> Stats:
    """Watch the float model predict windows: pairs of tokens (B, h, w, C) and qualities t (B,)."""
    stats: Stats = {}

    def see(name: str, x: Tensor) -> None:
        seen = x.detach().abs().flatten(0, -2).amax(0)
        stats[name] = torch.maximum(stats[name], seen) if name in stats else seen

    def watch(name: str, module: nn.Module, into: bool = False) -> None:
        def on_call(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            see(name, inputs[0] if into else output)

        hooks.callback(module.register_forward_hook(on_call).remove)

    with ExitStack() as hooks:
        for i, block in enumerate(model.blocks):
            assert isinstance(block, Block)
            watch(f"{i}.residual", block)
            watch(f"{i}.entry", block, into=True)
            watch(f"{i}.norm_1", block.norm_1)
            watch(f"{i}.qkv", block.attention.qkv)
            watch(f"{i}.attended", block.attention.out, into=True)
            watch(f"{i}.norm_2", block.norm_2)
            watch(f"{i}.mlp_in", block.mlp_in)
            watch(f"{i}.hidden", block.mlp_out, into=True)
        watch("norm", model.norm)
        if isinstance(model.head, SlicedHead):
            for k, out in enumerate(model.head.out):
                watch(f"head.{k}", out, into=True)
        for tokens, t in windows:
            model(tokens, tokens, t)
    return stats


def quantise_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """float (rows, cols) -> int8 within +-63, and the unit of each row, for the least error."""
    largest = weight.abs().amax(1, keepdim=True).clamp_min(1e-12) / WEIGHT_LIMIT
    # Rows whose absolute weights could sum past the exact range get a coarser unit.
    total = weight.abs().sum(1, keepdim=True)
    exact = total / ((EXACT - 1) / 127 - weight.shape[1] / 2)
    units = torch.stack([torch.maximum(largest * share, exact) for share in SHARES])
    integers = (weight / units).round().clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
    best = (integers * units - weight).square().sum(2).argmin(0)
    rows = torch.arange(len(weight))
    return integers[best, rows].to(torch.int8), units[best, rows, 0]


def balanced_units(seen: Tensor, weight: Tensor) -> Tensor:
    """(cols,) unit of each channel on its way into `weight`, given its largest value.

    Between channels, activations and weights share their spread (SmoothQuant): the product of
    units is fixed, and each side takes the square root of the imbalance.
    """
    seen = seen.clamp_min(FAINTEST * float(seen.max()))
    spread = (seen / weight.abs().amax(0).clamp_min(1e-6)).sqrt()
    return (spread * (seen / spread).max() / 127).double()


class Exporter:
    """Collects the integer tensors of one model."""

    def __init__(self, model: EntropyModel, config: ModelConfig, stats: Stats) -> None:
        self.model, self.config, self.stats = model, config, stats
        self.tensors: dict[str, Tensor] = {}
        log_input = model.config.delta == 0
        self.token_unit = LOG_STEP if log_input else 1.0 / model.config.delta
        largest = max(float(s.max()) for n, s in stats.items() if n.endswith(("residual", "entry")))
        self.residual_unit = HEADROOM * largest / RESIDUAL_LIMIT

    def linear(
        self,
        name: str,
        weight: Tensor,
        bias: Tensor | None,
        unit_in: Tensor | float,
        unit_out: Tensor | float,
    ) -> None:
        """A layer whose input and output count in these units, of all channels or of each."""
        integers, unit = quantise_rows(weight.double() * unit_in)
        self.tensors[f"{name}.weight"] = integers
        self.tensors[f"{name}.multiplier"] = (unit / unit_out).float()
        bias = torch.zeros(len(weight)) if bias is None else bias
        self.tensors[f"{name}.bias"] = (bias.double() / unit_out).float()

    def norm(
        self, name: str, norm: nn.LayerNorm | nn.RMSNorm, seen: Tensor, weight: Tensor
    ) -> Tensor:
        """A norm that feeds `weight`; returns the unit of each of its channels."""
        unit = balanced_units(seen, weight)
        assert norm.eps is not None
        self.tensors[f"{name}.gain"] = (norm.weight.double() / unit).float()
        eps = norm.eps / self.residual_unit**2
        self.tensors[f"{name}.eps"] = torch.tensor(eps, dtype=torch.float64)
        if isinstance(norm, nn.LayerNorm):
            self.tensors[f"{name}.bias"] = (norm.bias.double() / unit).float()
        return unit

    def hidden_units(self, place: str, layer: nn.Module | Tensor) -> Tensor:
        """The unit of each of a layer's inputs, which come out of a ReLU at `place`."""
        assert isinstance(layer, nn.Linear)
        return balanced_units(self.stats[place], layer.weight)

    def stream(self, values: Tensor) -> Tensor:
        """Values added to the residual stream, in its unit."""
        return (values.double() / self.residual_unit).round().float()

    def embeddings(self) -> None:
        """Everything that a slot starts from."""
        m, e = self.model, self.model.config
        entries = torch.arange(SQUASH_ENTRIES, dtype=torch.float64)
        table = entries.log1p() / LOG_STEP if e.delta == 0 else entries.clamp(max=127)
        self.tensors["squash"] = table.round().to(torch.int8)
        unit = self.token_unit
        self.linear("embed", m.embed.weight, m.embed.bias, unit, self.residual_unit)
        self.tensors["mask"] = self.stream(m.embed.weight @ m.mask_token)
        self.tensors["positions"] = self.stream(m.positions)
        if e.source_positions:
            self.tensors["source_positions"] = self.stream(m.source_positions)
        if e.neighbours:
            self.linear("neighbours", m.neighbours.weight, None, unit, self.residual_unit)
            self.tensors["neighbours_known"] = self.stream(m.neighbours_known.weight.T)
        t = qualities(self.config)
        self.tensors["quality"] = self.stream(m.quality(t[:, None]))
        drops = torch.arange(math.ceil(math.log(2 * EXP_ONE) * EXP_STEPS) + 1).double()
        exponentials = (EXP_ONE * torch.exp(-drops / EXP_STEPS)).round().float()
        assert exponentials[-1] == 0
        self.tensors["exp_table"] = exponentials

    def block(self, i: int, block: Block) -> None:
        """One transformer block."""
        name, attention = f"blocks.{i}", block.attention

        def seen(place: str) -> Tensor:
            return self.stats[f"{i}.{place}"]

        heads = attention.heads
        unit = self.norm(f"{name}.norm_1", block.norm_1, seen("norm_1"), attention.qkv.weight)
        units = seen("qkv").view(3, -1).amax(1).double() / 127  # of q, k and v
        width = attention.out.in_features
        self.linear(
            f"{name}.qkv",
            attention.qkv.weight,
            attention.qkv.bias,
            unit,
            units.repeat_interleave(width),
        )
        steps = units[0] * units[1] * (width // heads) ** -0.5 * EXP_STEPS
        self.tensors[f"{name}.steps"] = steps.float()
        attended = seen("attended").max().double() / 127
        self.tensors[f"{name}.attended"] = (units[2] / (WEIGHT_SUM * attended)).float()
        self.linear(
            f"{name}.out", attention.out.weight, attention.out.bias, attended, self.residual_unit
        )
        unit = self.norm(f"{name}.norm_2", block.norm_2, seen("norm_2"), block.mlp_in.weight)
        if block.activation is F.relu:
            hidden = entry = self.hidden_units(f"{i}.hidden", block.mlp_out)
        else:
            hidden = seen("hidden").max().double() / 127
            entry = seen("mlp_in").max().double() / 127
            curve = F.gelu(torch.arange(-127, 128).double() * entry) / hidden
            self.tensors[f"{name}.activation"] = curve.round().clamp(-127, 127).to(torch.int8)
        self.linear(f"{name}.mlp_in", block.mlp_in.weight, block.mlp_in.bias, unit, entry)
        self.linear(
            f"{name}.mlp_out", block.mlp_out.weight, block.mlp_out.bias, hidden, self.residual_unit
        )

    def head(self) -> None:
        """The head's layers, and its scales by quality."""
        head = self.model.head
        layers = list(head.out) if isinstance(head, SlicedHead) else [head.out]
        first = head.from_trunk if isinstance(head, SlicedHead) else head.out
        assert isinstance(first, nn.Linear)
        unit = self.norm("norm", self.model.norm, self.stats["norm"], first.weight)
        units = [unit] * len(layers)
        if isinstance(head, SlicedHead):
            units = [self.hidden_units(f"head.{k}", layer) for k, layer in enumerate(layers)]
            fine = torch.cat(units) / HIDDEN_STEPS
            self.linear("head.from_trunk", head.from_trunk.weight, head.from_trunk.bias, unit, fine)
            for k, layer in enumerate(head.from_earlier):
                assert isinstance(layer, nn.Linear)
                entry = units[k + 1] / HIDDEN_STEPS
                self.linear(f"head.from_earlier.{k}", layer.weight, None, self.token_unit, entry)
        for k, layer in enumerate(layers):
            assert isinstance(layer, nn.Linear)
            scale = output_units(layer.out_features // 3)
            self.linear(f"head.out.{k}", layer.weight, layer.bias, units[k], scale)
        prior = self.model.prior(qualities(self.config))[:, 0].double()  # (100, C)
        self.tensors["head.means"] = ((1 << MEAN_BITS) * prior.exp()).float()
        self.tensors["head.rungs"] = (prior * RUNGS_PER_NAT + UNIT_SIGMA).float()


def output_units(num_components: int) -> Tensor:
    """(3 n,) units of the head's outputs: means as they are, rungs of scale, steps of logits."""
    units = torch.tensor([1.0, 1 / RUNGS_PER_NAT, 1 / EXP_STEPS], dtype=torch.float64)
    return units.repeat_interleave(num_components)


def qualities(config: ModelConfig) -> Tensor:
    """(100,) t of every quality."""
    return torch.tensor([config.rate.t(quality) for quality in QUALITIES])


@torch.inference_mode()
def export(model: EntropyModel, config: ModelConfig, stats: Stats) -> dict[str, Tensor]:
    """The tensors of IntegerEntropyModel."""
    exporter = Exporter(model, config, stats)
    exporter.embeddings()
    for i, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        exporter.block(i, block)
    exporter.head()
    return {name: tensor.contiguous() for name, tensor in exporter.tensors.items()}
