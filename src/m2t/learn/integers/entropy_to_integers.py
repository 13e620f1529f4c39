"""From a trained float model, and what its activations are like, to integers.

Scales are static: measured once, stored with the weights. Each layer's input has one scale per
channel where a norm or a ReLU precedes it (folded into the norm's gain, or the rows of the layer
before, and into the layer's columns), one for all channels elsewhere; each row of a weight has a
scale of its own.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...config import ModelConfig
from ...engine.arithmetic import EXP_ONE, EXP_STEPS, HIDDEN_STEPS, RESIDUAL_LIMIT, WEIGHT_SUM
from ...rans.gaussians import MEAN_BITS
from ...rans.tables import SIGMAS_PER_OCTAVE, UNIT_SIGMA
from ..networks.head import SlicedHead
from ..networks.layers import Block
from ..networks.transformer import EntropyModel
from .aims import all_aims
from .calibrate import Seen
from .rounding import channel_units, quantise_layer

LOG_STEP = math.log(2) / 12
"""Unit of squashed tokens where the network takes logarithms. As in music, twelve steps per octave
are nearly right for 1 + y = 2, 3, 4, 6, 8 and 9: for all that most tokens are."""
SQUASH_ENTRIES = 256
HEADROOM = 2.0
"""The residual stream's limit over the largest value seen in calibration."""

RUNGS_PER_NAT = SIGMAS_PER_OCTAVE / math.log(2)


class Exporter:
    """Collects the integer tensors of one model."""

    def __init__(self, model: EntropyModel, config: ModelConfig, seen: Seen) -> None:
        self.model, self.config, self.seen = model, config, seen
        self.tensors: dict[str, Tensor] = {}
        log_input = model.config.delta == 0
        self.token_unit = LOG_STEP if log_input else 1.0 / model.config.delta
        places = (n for n in seen.largest if n.endswith(("residual", "entry")))
        largest = max(float(seen.largest[place].max()) for place in places)
        self.residual_unit = HEADROOM * largest / RESIDUAL_LIMIT

    def linear(
        self,
        name: str,
        layer: nn.Module,
        unit_in: Tensor | float,
        unit_out: Tensor | float,
    ) -> None:
        """A layer whose input and output count in these units, of all channels or of each."""
        assert isinstance(layer, nn.Linear)
        units = torch.as_tensor(unit_in, dtype=torch.float64).expand(layer.in_features)
        gram = self.seen.grams[layer] / (units[:, None] * units)
        integers, unit = quantise_layer(layer.weight.double() * units, gram)
        self.tensors[f"{name}.weight"] = integers
        self.tensors[f"{name}.multiplier"] = (unit / unit_out).float()
        bias = torch.zeros(layer.out_features) if layer.bias is None else layer.bias
        self.tensors[f"{name}.bias"] = (bias.double() / unit_out).float()

    def norm(self, name: str, norm: nn.LayerNorm | nn.RMSNorm, place: str) -> Tensor:
        """A norm whose output was seen at `place`; returns the unit of each of its channels."""
        unit = channel_units(self.seen.largest[place])
        assert norm.eps is not None
        self.tensors[f"{name}.gain"] = (norm.weight.double() / unit).float()
        eps = norm.eps / self.residual_unit**2
        self.tensors[f"{name}.eps"] = torch.tensor(eps, dtype=torch.float64)
        if isinstance(norm, nn.LayerNorm):
            self.tensors[f"{name}.bias"] = (norm.bias.double() / unit).float()
        return unit

    def stream(self, values: Tensor) -> Tensor:
        """Values added to the residual stream, in its unit."""
        return (values.double() / self.residual_unit).round().float()

    def embeddings(self) -> None:
        """Everything that a slot starts from."""
        m, e = self.model, self.model.config
        entries = torch.arange(SQUASH_ENTRIES, dtype=torch.float64)
        table = entries.log1p() / LOG_STEP if e.delta == 0 else entries
        self.tensors["squash"] = table.round().clamp(max=127).to(torch.int8)
        unit = self.token_unit
        self.linear("embed", m.embed, unit, self.residual_unit)
        self.tensors["mask"] = self.stream(m.embed.weight[:, : len(m.mask_token)] @ m.mask_token)
        self.tensors["positions"] = self.stream(m.positions)
        if e.source_positions:
            self.tensors["source_positions"] = self.stream(m.source_positions)
        if e.neighbours:
            self.linear("neighbours", m.neighbours, unit, self.residual_unit)
            self.tensors["neighbours_known"] = self.stream(m.neighbours_known.weight.T)
        self.tensors["quality"] = self.stream(m.asked(all_aims(self.config)))
        drops = torch.arange(math.ceil(math.log(2 * EXP_ONE) * EXP_STEPS) + 1).double()
        exponentials = (EXP_ONE * torch.exp(-drops / EXP_STEPS)).round().float()
        assert exponentials[-1] == 0
        self.tensors["exp_table"] = exponentials

    def block(self, i: int, block: Block) -> None:
        """One transformer block."""
        name, attention = f"blocks.{i}", block.attention

        def seen(place: str) -> Tensor:
            return self.seen.largest[f"{i}.{place}"]

        unit = self.norm(f"{name}.norm_1", block.norm_1, f"{i}.norm_1")
        units, product, share = attention_units(seen("qkv").view(3, -1), seen("attended"))
        self.linear(f"{name}.qkv", attention.qkv, unit, units.flatten())
        head_width = attention.qkv.in_features // attention.heads
        self.tensors[f"{name}.steps"] = (product * head_width**-0.5 * EXP_STEPS).float()
        self.tensors[f"{name}.attended"] = (1 / (WEIGHT_SUM * share)).float()
        self.linear(f"{name}.out", attention.out, share * units[2], self.residual_unit)
        unit = self.norm(f"{name}.norm_2", block.norm_2, f"{i}.norm_2")
        if block.activation is F.relu:
            hidden = entry = channel_units(seen("hidden"))
        else:
            hidden = seen("hidden").max().double() / 127
            entry = seen("mlp_in").max().double() / 127
            curve = F.gelu(torch.arange(-127, 128).double() * entry) / hidden
            self.tensors[f"{name}.activation"] = curve.round().clamp(-127, 127).to(torch.int8)
        self.linear(f"{name}.mlp_in", block.mlp_in, unit, entry)
        self.linear(f"{name}.mlp_out", block.mlp_out, hidden, self.residual_unit)

    def head(self) -> None:
        """The head's layers, and its scales by quality."""
        head = self.model.head
        layers = list(head.out) if isinstance(head, SlicedHead) else [head.out]
        unit = self.norm("norm", self.model.norm, "norm")
        units = [unit] * len(layers)
        if isinstance(head, SlicedHead):
            units = [channel_units(self.seen.largest[f"head.{k}"]) for k in range(len(layers))]
            fine = torch.cat(units) / HIDDEN_STEPS
            self.linear("head.from_trunk", head.from_trunk, unit, fine)
            for k, layer in enumerate(head.from_earlier):
                entry = units[k + 1] / HIDDEN_STEPS
                self.linear(f"head.from_earlier.{k}", layer, self.token_unit, entry)
        for k, layer in enumerate(layers):
            assert isinstance(layer, nn.Linear)
            scale = output_units(layer.out_features // 3)
            self.linear(f"head.out.{k}", layer, units[k], scale)
        prior = self.model.prior(all_aims(self.config))[:, 0].double()  # (aims, C)
        self.tensors["head.means"] = ((1 << MEAN_BITS) * prior.exp()).float()
        self.tensors["head.rungs"] = (prior * RUNGS_PER_NAT + UNIT_SIGMA).float()


def attention_units(qkv: Tensor, attended: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How each channel of an attention counts, so that none exceeds 8 bits.

    Args:
        qkv: (3, width) largest values of queries, keys and values.
        attended: (width,) largest values of sums of values.

    Returns:
        (3, width) units; that of a query's channel times a key's, the same for all; and that of
        an attended channel over that of its values, the same for all.
    """
    query, key, value = qkv.double().clamp_min(1e-9)
    product = (query * key).max() / 127**2
    query_units = (product * query / key).sqrt()
    share = (attended / value).median().clamp(1 / 8, 1)
    value_units = torch.maximum(value, attended / share) / 127
    units = torch.stack((query_units, product / query_units, value_units))
    return units, product, share


def output_units(num_components: int) -> Tensor:
    """(3 n,) units of the head's outputs: means as they are, rungs of scale, steps of logits."""
    units = torch.tensor([1.0, 1 / RUNGS_PER_NAT, 1 / EXP_STEPS], dtype=torch.float64)
    return units.repeat_interleave(num_components)


@torch.no_grad()
def export(model: EntropyModel, config: ModelConfig, seen: Seen) -> dict[str, Tensor]:
    """The tensors of IntegerEntropyModel."""
    exporter = Exporter(model, config, seen)
    exporter.embeddings()
    for i, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        exporter.block(i, block)
    exporter.head()
    return {name: tensor.contiguous() for name, tensor in exporter.tensors.items()}
