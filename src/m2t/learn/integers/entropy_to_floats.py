"""From integers back to a float model that training can go on from: the inverse of export.

What export() folded together cannot be told apart again, but need not: a norm's gain and the
columns behind it, say, may share a factor in any way. What comes back is another float model with
the same outputs, up to the rounding of its weights to 7 bits.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ...config import EntropyConfig, ModelConfig
from ...engine.arithmetic import EXP_STEPS, HIDDEN_STEPS, WEIGHT_SUM
from ...errors import ModelError
from ...rans.gaussians import MEAN_BITS
from .aims import all_aims, lines_through
from .entropy_to_integers import output_units

NORM_EPS = 1e-5
UNIT = 1 / 16
"""Of activations whose scale cancels."""
NUM_HINGES = 32


class Restorer:
    """Collects the float tensors of one model."""

    def __init__(self, config: ModelConfig, integers: Mapping[str, Tensor]) -> None:
        self.config, self.integers = config, integers
        self.tensors: dict[str, Tensor] = {}
        e = config.entropy
        self.token_unit = _log_step(self.integers["squash"]) if e.delta == 0 else 1.0 / e.delta
        self.residual_unit = float((NORM_EPS / self.integers["norm.eps"]).sqrt())

    def linear(
        self, source: str, target: str, unit_in: float, unit_out: Tensor | float, bias: bool = True
    ) -> None:
        """A layer whose input and output counted in these units."""
        rows = self.integers[f"{source}.multiplier"].double() * unit_out
        weight = self.integers[f"{source}.weight"].double() * rows[:, None] / unit_in
        self.tensors[f"{target}.weight"] = weight
        if bias:
            self.tensors[f"{target}.bias"] = self.integers[f"{source}.bias"].double() * unit_out

    def norm(self, source: str, target: str) -> None:
        """A norm whose output counts in UNIT."""
        self.tensors[f"{target}.weight"] = self.integers[f"{source}.gain"].double() * UNIT

    def stream(self, name: str) -> Tensor:
        """Values that are added to the residual stream."""
        return self.integers[name].double() * self.residual_unit

    def embeddings(self, e: EntropyConfig) -> None:
        """Everything that a slot starts from."""
        self.linear("embed", "embed", self.token_unit, self.residual_unit)
        mask = self.stream("mask")[:, None]
        self.tensors["mask_token"] = torch.linalg.lstsq(
            self.tensors["embed.weight"][:, : self.config.num_always], mask, driver="gelsd"
        ).solution[:, 0]
        self.tensors["positions"] = self.stream("positions")
        if e.source_positions:
            self.tensors["source_positions"] = self.stream("source_positions")
        if e.neighbours:
            self.linear("neighbours", "neighbours", self.token_unit, self.residual_unit, False)
            self.tensors["neighbours_known.weight"] = self.stream("neighbours_known").T
        self.quality()

    def quality(self) -> None:
        """The curves over the quality, as sums of hinges, and what the tune adds to them."""
        t, tune = all_aims(self.config).double().split(1, 1)
        half = torch.linspace(-1.05, float(t.max()), NUM_HINGES // 2, dtype=torch.float64)
        signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat_interleave(len(half))
        bias = -signs * torch.cat((half, half.neg()))
        hinges = torch.cat((torch.relu(t * signs + bias), torch.ones_like(t), tune), 1)
        solution = torch.linalg.lstsq(hinges, self.stream("quality"), driver="gelsd").solution
        self.tensors["quality.0.weight"], self.tensors["quality.0.bias"] = signs[:, None], bias
        self.tensors["quality.2.weight"] = solution[:-2].T
        self.tensors["quality.2.bias"] = solution[-2]
        if self.config.rate.eye:
            self.tensors["tune"] = solution[-1]

    def block(self, name: str, head_width: int) -> None:
        """One transformer block."""
        self.norm(f"{name}.norm_1", f"{name}.norm_1")
        steps, attended = (float(self.integers[f"{name}.{n}"]) for n in ("steps", "attended"))
        query = (steps * head_width**0.5 / EXP_STEPS) ** 0.5
        units = torch.tensor([query, query, UNIT], dtype=torch.float64)
        width = len(self.integers[f"{name}.out.weight"])
        unit_out = units.repeat_interleave(width)
        self.linear(f"{name}.qkv", f"{name}.attention.qkv", UNIT, unit_out)
        entry = UNIT / (WEIGHT_SUM * attended)
        self.linear(f"{name}.out", f"{name}.attention.out", entry, self.residual_unit)
        self.norm(f"{name}.norm_2", f"{name}.norm_2")
        self.linear(f"{name}.mlp_in", f"{name}.mlp_in", UNIT, UNIT)
        self.linear(f"{name}.mlp_out", f"{name}.mlp_out", UNIT, self.residual_unit)

    def head(self, e: EntropyConfig) -> None:
        """The head's layers, and its scales by quality."""
        self.norm("norm", "norm")
        sliced = e.head == "sliced"
        if sliced:
            self.linear("head.from_trunk", "head.from_trunk", UNIT, UNIT / HIDDEN_STEPS)
        for k, where in enumerate(self.config.slices):
            if k > 0:
                name = f"head.from_earlier.{k - 1}"
                self.linear(name, name, self.token_unit, UNIT / HIDDEN_STEPS, False)
            target = f"head.out.{k}" if sliced else "head.out"
            units = output_units(e.mixtures * (where.stop - where.start))
            self.linear(f"head.out.{k}", target, UNIT, units)
        prior = (self.integers["head.means"].double() / (1 << MEAN_BITS)).log()  # (aims, C)
        log_scale = 0.5 * torch.log((torch.exp(2 * prior) - 1 / 12).clamp_min(1e-6))
        names = ("prior_scale", "prior_slope", "prior_rise")
        self.tensors |= lines_through(self.config, log_scale, *names)


def _log_step(table: Tensor) -> float:
    """Unit of the logarithms that a table (entries,) holds, rounded."""
    rounded = table.double()
    logarithms = torch.arange(len(table), dtype=torch.float64).log1p()
    inside = rounded < rounded.max()  # the others may be clipped
    return float((logarithms * rounded)[inside].sum() / rounded[inside].square().sum())


def restore(config: ModelConfig, integers: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of an EntropyModel from the tensors that export() made of one.

    Raises ModelError for models whose activations have a scale that is not stored (GELU).
    """
    e = config.entropy
    if e.style != "relu":
        raise ModelError("an exported model with GELU cannot become floats again")
    restorer = Restorer(config, integers)
    restorer.embeddings(e)
    for i in range(e.layers):
        restorer.block(f"blocks.{i}", e.width // e.heads)
    restorer.head(e)
    return {name: tensor.float() for name, tensor in restorer.tensors.items()}
