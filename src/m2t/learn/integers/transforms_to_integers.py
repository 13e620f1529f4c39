"""From trained lapped transforms to the integers of lapped/: weights, scales, tables.

Blocks multiply 8 by 7 bits: their weights have a unit per row, their activations one per tensor.
All else multiplies 16 by 16 bits. Scales of activations are measured on pictures. What restoring
needs (restore.py) and running does not is stored beside: the units of activations.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...config import ModelConfig, TransformConfig
from ...engine.arithmetic import STREAM_LIMIT
from ...engine.eye_tables import UNITS
from ..networks.lapped import UNIT, FineBlocks, LappedAnalysis, LappedSynthesis, ResidualBlock
from ..networks.transforms import VariableTransforms
from .aims import all_aims
from .calibrate import Seen, hook
from .rounding import quantise_layer

LEVEL = UNITS * 255
"""Of the painted picture, from black to white."""
HEADROOM = 2.0
"""Of streams over the largest value that was seen."""
WRAP = 2.0**31
"""Sums of 32 bits wrap around there."""
LARGEST_PICTURE = 8.0
"""The linear picture, as many times as large as pixels go, still has sums that do not wrap."""
LARGEST_WEIGHT = 2.0**15 - 1
PIXEL = 1 / (2 * 255 * UNIT)
"""Pixels enter the analysis in this unit."""
LARGEST_PIXEL = 256.0
"""Rounded up."""


def integral(config: TransformConfig) -> bool:
    """Whether such transforms can become integers."""
    sizes = (config.width // 2, config.render_width)
    return config.kind == "lapped" and all(size % 4 == 0 for size in sizes)


class Quantiser:
    """Collects the integer tensors of one pair of transforms."""

    def __init__(self, model: VariableTransforms, config: ModelConfig, seen: Seen) -> None:
        assert isinstance(model.analysis, LappedAnalysis)
        assert isinstance(model.synthesis, LappedSynthesis)
        self.model, self.config, self.seen = model, config, seen
        self.analysis, self.synthesis = model.analysis, model.synthesis
        self.tensors: dict[str, Tensor] = {}
        self.gains = model.log_gain(all_aims(config))[..., 0, 0].double().exp()  # (aims, C)

    def run(self) -> dict[str, Tensor]:
        """All tensors."""
        self.tensors["gains"] = self.gains.float()
        self._analysis()
        s, picture = self.synthesis, 1 / (UNIT * LEVEL)
        tokens = self._token_units()
        self.tensors["synthesis.unit"] = tokens.float()
        self._linear(tokens)
        coarse, last = self._stream_unit("coarse"), self._stream_unit("last")
        self.tensors["synthesis.coarse_unit"] = torch.tensor(coarse, dtype=torch.float64)
        self.tensors["synthesis.last_unit"] = torch.tensor(last, dtype=torch.float64)
        balanced = tokens * s.balance.double().exp()
        self._conv("synthesis.enter", s.enter, balanced, coarse)
        for i, block in enumerate(s.blocks):
            self._block(f"synthesis.blocks.{i}", block, coarse)
        if s.fine is not None:
            self._fine(s.fine, coarse, picture, last)
        self._conv("synthesis.spread", s.spread, coarse, last)
        self._conv("synthesis.blend", s.blend, picture, last)
        self._conv("synthesis.render", s.render, last, last)
        self._conv("synthesis.leave", s.leave, last, picture)
        return {name: tensor.contiguous() for name, tensor in self.tensors.items()}

    def _analysis(self) -> None:
        linear = self.analysis.linear
        weight = linear.weight.double().permute(0, 2, 3, 1)  # (C, 4, 4, 192)
        total = weight.abs().flatten(1).sum(1)
        unit = torch.maximum(
            weight.abs().flatten(1).amax(1) / LARGEST_WEIGHT, total * LARGEST_PIXEL / WRAP
        )
        assert linear.bias is not None
        self._store("analysis", weight, unit, PIXEL, linear.bias.double())
        if not self.analysis.is_linear:
            self._nonlinear(self.analysis)

    def _nonlinear(self, a: LappedAnalysis) -> None:
        """What the analysis has beside its linear part."""
        fine, coarse = self._stream_unit("analysis.fine"), self._stream_unit("analysis.coarse")
        self.tensors["analysis.fine_unit"] = torch.tensor(fine, dtype=torch.float64)
        self.tensors["analysis.coarse_unit"] = torch.tensor(coarse, dtype=torch.float64)
        self._conv("analysis.enter", a.enter, PIXEL, fine, LARGEST_PIXEL)
        self._block("analysis.block", a.block, fine)
        for i, block in enumerate(a.fine):
            self._block(f"analysis.fine.{i}", block, fine)
        self._conv("analysis.down", a.down, fine, coarse)
        for i, block in enumerate(a.blocks):
            self._block(f"analysis.blocks.{i}", block, coarse)
        self._conv("analysis.leave", a.leave, coarse, 1.0)

    def _token_units(self) -> Tensor:
        """(C,) units of tokens times their steps: none that a picture has exceeds 16 bits."""
        reach = self.analysis.linear.weight.double().abs().flatten(1).sum(1) * 0.5 / UNIT
        if not self.analysis.is_linear:
            reach = reach + HEADROOM * self.seen.largest["analysis.added"]
        return (1.1 * reach + 0.5 / self.gains.amin(0)) / STREAM_LIMIT

    def _linear(self, tokens: Tensor) -> None:
        """The linear picture: sums are bounded by what they are, not by their terms' magnitudes."""
        linear = self.synthesis.linear
        weight = linear.weight.double() * tokens[:, None, None, None]
        weight = weight.permute(1, 2, 3, 0)  # (192, 4, 4, C)
        unit = weight.abs().flatten(1).amax(1) / LARGEST_WEIGHT
        unit = torch.clamp(unit, min=LARGEST_PICTURE * 0.5 / UNIT / WRAP)
        assert linear.bias is not None
        scale = UNIT * LEVEL
        self._store("synthesis.linear", weight, unit, scale, linear.bias.double() * scale)

    def _store(self, name: str, weight: Tensor, unit: Tensor, scale: float, bias: Tensor) -> None:
        """A convolution (outputs, side, side, inputs), rounded in units of each row.

        `scale`: units of its output per unit of weight times input; the bias counts in the former.
        """
        integers = (weight / unit[:, None, None, None]).round()
        self.tensors[f"{name}.weight"] = integers.to(torch.int16)
        self.tensors[f"{name}.multiplier"] = (unit * scale).float()
        self.tensors[f"{name}.bias"] = bias.float()

    def _conv(
        self,
        name: str,
        conv: nn.Conv2d,
        unit_in: Tensor | float,
        unit_out: float,
        largest: float = STREAM_LIMIT,
    ) -> None:
        """A convolution of 16 bits, whose sums do not wrap around for inputs up to `largest`."""
        units = torch.as_tensor(unit_in, dtype=torch.float64).expand(conv.in_channels)
        weight = conv.weight.double().permute(0, 2, 3, 1) * units
        flat = weight.abs().flatten(1)
        room = WRAP / largest - flat.shape[1]  # each term is rounded, by 1/2 at most
        unit = torch.maximum(flat.amax(1) / LARGEST_WEIGHT, flat.sum(1) / room).clamp_min(1e-30)
        assert conv.bias is not None
        self._store(name, weight, unit, 1 / unit_out, conv.bias.double() / unit_out)

    def _stream_unit(self, place: str) -> float:
        return float(self.seen.largest[place].max()) * HEADROOM / STREAM_LIMIT

    def _block(self, name: str, block: nn.Module, stream: float) -> None:
        assert isinstance(block, ResidualBlock)
        normed, hidden = (
            float(self.seen.largest[f"{name}.{n}"].max()) / 127 for n in ("normed", "hidden")
        )
        assert block.norm.eps is not None
        tensors = {"gain": block.norm.weight.double() / normed}
        if block.quality is not None:
            tensors["quality"] = block.quality.double() / hidden
            tensors["tune"] = torch.zeros(1) if block.tune is None else block.tune.double() / hidden
        self.tensors |= {f"{name}.{n}": tensor.float() for n, tensor in tensors.items()}
        scalars = {"eps": block.norm.eps / stream**2, "normed_unit": normed, "hidden_unit": hidden}
        for n, value in scalars.items():
            self.tensors[f"{name}.{n}"] = torch.tensor(value, dtype=torch.float64)
        self._bytes(f"{name}.first", block.first, normed, hidden)
        self._bytes(f"{name}.second", block.second, hidden, stream)

    def _bytes(self, name: str, conv: nn.Conv2d, unit_in: float, unit_out: float) -> None:
        """A convolution of 8 by 7 bits."""
        weight = conv.weight.double().permute(0, 2, 3, 1)
        integers, unit = quantise_layer(weight.flatten(1), self.seen.grams[conv] / unit_in**2)
        self.tensors[f"{name}.weight"] = integers.view_as(weight)
        self.tensors[f"{name}.multiplier"] = (unit.double() * unit_in / unit_out).float()
        assert conv.bias is not None
        self.tensors[f"{name}.bias"] = (conv.bias.double() / unit_out).float()

    def _fine(self, fine: FineBlocks, coarse: float, picture: float, last: float) -> None:
        unit = self._stream_unit("fine")
        self.tensors["synthesis.fine.unit"] = torch.tensor(unit, dtype=torch.float64)
        self._conv("synthesis.fine.spread", fine.spread, coarse, unit)
        self._conv("synthesis.fine.blend", fine.blend, picture, unit)
        for i, block in enumerate(fine.blocks):
            self._block(f"synthesis.fine.blocks.{i}", block, unit)
        self._conv("synthesis.fine.leave", fine.leave, unit, last)


def watched(a: LappedAnalysis, s: LappedSynthesis) -> Iterable[tuple[str, nn.Module, bool]]:
    """(place, module, whether its input is meant): what the scales of activations follow from."""
    if not a.is_linear:
        yield "analysis.fine", a.enter, False
        yield from _blocks("analysis.fine", {"analysis.block": a.block})
        yield from _blocks("analysis.fine", _named("analysis.fine", a.fine))
        yield "analysis.coarse", a.down, False
        yield from _blocks("analysis.coarse", _named("analysis.blocks", a.blocks))
        yield "analysis.added", a.leave, False
    yield "coarse", s.enter, False
    yield from _blocks("coarse", _named("synthesis.blocks", s.blocks))
    if s.fine is not None:
        for block in s.fine.blocks:
            yield "fine", block, True
        yield from _blocks("fine", _named("synthesis.fine.blocks", s.fine.blocks))
    yield "last", s.render, True
    yield "last", s.leave, True


def convolved(model: VariableTransforms) -> Iterable[nn.Conv2d]:
    """The convolutions of blocks, whose weights have 7 bits."""
    for module in model.modules():
        if isinstance(module, ResidualBlock):
            yield module.first
            yield module.second


def _named(name: str, blocks: nn.ModuleList) -> dict[str, nn.Module]:
    return {f"{name}.{i}": block for i, block in enumerate(blocks)}


def _blocks(stream: str, blocks: Mapping[str, nn.Module]) -> Iterable[tuple[str, nn.Module, bool]]:
    for name, block in blocks.items():
        assert isinstance(block, ResidualBlock)
        yield stream, block, False
        yield f"{name}.normed", block.first, True
        yield f"{name}.hidden", block.second, True


@torch.no_grad()
def quantise(
    model: VariableTransforms, config: ModelConfig, pictures: Iterable[tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """The tensors of lapped/, given pictures: pairs of x (B, 3, H, W) and t (B, 2)."""
    seen = Seen()
    assert isinstance(model.analysis, LappedAnalysis)
    assert isinstance(model.synthesis, LappedSynthesis)
    with ExitStack() as hooks:
        for place, module, into in watched(model.analysis, model.synthesis):
            see = partial(_see, seen, place)
            hooks.callback(hook(module, into, see).remove)
        for layer in convolved(model):
            hooks.callback(hook(layer, True, partial(_see_patches, seen, layer)).remove)
        for x, t in pictures:
            model.synthesise(model.analyse(x, t).round(), t)
    return Quantiser(model, config, seen).run()


def _see(seen: Seen, place: str, x: Tensor) -> None:
    seen.see(place, x.movedim(1, -1))


def _see_patches(seen: Seen, layer: nn.Conv2d, x: Tensor) -> None:
    """What the layer multiplies: rows, columns and channels of each patch behind each other."""
    side, channels = layer.kernel_size[0], x.shape[1]
    patches = F.unfold(x, side, padding=side // 2).unflatten(1, (channels, side * side))
    seen.see_input(layer, patches.permute(0, 3, 2, 1).flatten(2))
