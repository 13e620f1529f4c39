"""From the integers of lapped/ back to float transforms that training can go on from.

The inverse of quantise.py, up to the rounding of weights.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ...config import ModelConfig
from ..networks.lapped import UNIT
from .aims import lines_through
from .transforms_to_integers import LEVEL, PIXEL


class Restorer:
    """Collects the float tensors of one pair of transforms."""

    def __init__(self, config: ModelConfig, integers: Mapping[str, Tensor]) -> None:
        self.config = config
        self.integers = {name: tensor.double() for name, tensor in integers.items()}
        self.tensors: dict[str, Tensor] = {}

    def run(self) -> dict[str, Tensor]:
        """All tensors."""
        t, picture = self.integers, 1 / (UNIT * LEVEL)
        transform, coarse = self.config.transform, float(t["synthesis.coarse_unit"])
        last = float(t["synthesis.last_unit"])
        self._gains()
        self._linears()
        if not transform.linear_analysis:
            self._nonlinear()
        self.tensors["synthesis.balance"] = torch.zeros(transform.latent_channels)
        self._conv("synthesis.enter", t["synthesis.unit"], coarse)
        for i in range(transform.blocks):
            self._block(f"synthesis.blocks.{i}", coarse)
        if transform.fine_blocks:
            fine = float(t["synthesis.fine.unit"])
            self._conv("synthesis.fine.spread", coarse, fine)
            self._conv("synthesis.fine.blend", picture, fine)
            for i in range(transform.fine_blocks):
                self._block(f"synthesis.fine.blocks.{i}", fine)
            self._conv("synthesis.fine.leave", fine, last)
        self._conv("synthesis.spread", coarse, last)
        self._conv("synthesis.blend", picture, last)
        self._conv("synthesis.render", last, last)
        self._conv("synthesis.leave", last, picture)
        return {name: tensor.float() for name, tensor in self.tensors.items()}

    def _gains(self) -> None:
        """Lines through the logarithms of the gains."""
        logs, names = self.integers["gains"].log(), ("gain", "gain_slope", "gain_rise")
        self.tensors |= lines_through(self.config, logs, *names)

    def _linears(self) -> None:
        weight, bias = self._scaled("analysis", PIXEL, 1.0)
        self.tensors["analysis.linear.weight"] = weight.permute(0, 3, 1, 2)
        self.tensors["analysis.linear.bias"] = bias
        weight, bias = self._scaled("synthesis.linear", self.integers["synthesis.unit"], 1 / LEVEL)
        self.tensors["synthesis.linear.weight"] = weight.permute(3, 0, 1, 2) / UNIT
        self.tensors["synthesis.linear.bias"] = bias / UNIT

    def _nonlinear(self) -> None:
        """What the analysis has beside its linear part."""
        transform = self.config.transform
        fine, coarse = (float(self.integers[f"analysis.{n}_unit"]) for n in ("fine", "coarse"))
        self._conv("analysis.enter", PIXEL, fine)
        self._block("analysis.block", fine)
        for i in range(transform.fine_blocks):
            self._block(f"analysis.fine.{i}", fine)
        self._conv("analysis.down", fine, coarse)
        for i in range(transform.blocks):
            self._block(f"analysis.blocks.{i}", coarse)
        self._conv("analysis.leave", coarse, 1.0)

    def _scaled(self, name: str, unit_in: Tensor | float, unit_out: float) -> tuple[Tensor, Tensor]:
        """Weight (outputs, side, side, inputs) and bias, in floats."""
        rows = self.integers[f"{name}.multiplier"] * unit_out
        weight = self.integers[f"{name}.weight"] * rows[:, None, None, None] / unit_in
        return weight, self.integers[f"{name}.bias"] * unit_out

    def _conv(self, name: str, unit_in: Tensor | float, unit_out: float) -> None:
        weight, self.tensors[f"{name}.bias"] = self._scaled(name, unit_in, unit_out)
        self.tensors[f"{name}.weight"] = weight.permute(0, 3, 1, 2)

    def _block(self, name: str, stream: float) -> None:
        t = self.integers
        normed, hidden = (float(t[f"{name}.{n}_unit"]) for n in ("normed", "hidden"))
        self.tensors[f"{name}.norm.weight"] = t[f"{name}.gain"] * normed
        if f"{name}.quality" in t:
            self.tensors[f"{name}.quality"] = t[f"{name}.quality"] * hidden
            if self.config.rate.eye:
                self.tensors[f"{name}.tune"] = t[f"{name}.tune"] * hidden
        self._conv(f"{name}.first", normed, hidden)
        self._conv(f"{name}.second", hidden, stream)


def restore(config: ModelConfig, integers: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of VariableTransforms from the tensors that quantise() made of one."""
    return Restorer(config, integers).run()
