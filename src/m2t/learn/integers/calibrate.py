"""What a float model's activations are like, on real latents: needed to round it well."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ..networks.head import SlicedHead
from ..networks.layers import Block
from ..networks.transformer import EntropyModel


@dataclass
class Seen:
    """What was seen of activations (..., channels)."""

    largest: dict[str, Tensor] = field(default_factory=dict)
    """(channels,) largest absolute values, by place."""
    grams: dict[nn.Module, Tensor] = field(default_factory=dict)
    """(inputs, inputs), float64: mean products of the inputs of each linear layer."""
    counts: dict[nn.Module, int] = field(default_factory=dict)
    """How many inputs these are the means of."""

    def see(self, place: str, x: Tensor) -> None:
        """Look at activations at a place."""
        seen = x.abs().flatten(0, -2).amax(0)
        before = self.largest.get(place)
        self.largest[place] = seen if before is None else torch.maximum(before, seen)

    def see_input(self, layer: nn.Module, x: Tensor) -> None:
        """Look at inputs of a linear layer."""
        x = x.flatten(0, -2)
        before, count = self.grams.get(layer, 0.0), self.counts.get(layer, 0)
        total = count + len(x)
        self.grams[layer] = before * (count / total) + (x.T @ x).double() / total
        self.counts[layer] = total


def rounded_places(model: EntropyModel) -> Iterator[tuple[str, nn.Module, bool]]:
    """(name, module, whether its input is meant, not its output): what 8 bits will hold."""
    for i, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        yield f"{i}.norm_1", block.norm_1, False
        yield f"{i}.qkv", block.attention.qkv, False
        yield f"{i}.attended", block.attention.out, True
        yield f"{i}.norm_2", block.norm_2, False
        yield f"{i}.hidden", block.mlp_out, True
    yield "norm", model.norm, False
    if isinstance(model.head, SlicedHead):
        for k, out in enumerate(model.head.out):
            yield f"head.{k}", out, True


def hook(module: nn.Module, into: bool, see: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Show `see` each input (or output) of a module; a tensor that it returns takes its place."""

    def on_output(_: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        return see(output)

    if into:
        return module.register_forward_pre_hook(lambda _, inputs: see(inputs[0]))
    return module.register_forward_hook(on_output)


@torch.no_grad()
def calibrate(model: EntropyModel, windows: Iterable[tuple[Tensor, Tensor]]) -> Seen:
    """Watch the float model predict windows: pairs of tokens (B, h, w, C) and t (B, 2)."""
    seen = Seen()

    def watch(place: str, module: nn.Module, into: bool) -> None:
        hooks.callback(hook(module, into, partial(seen.see, place)).remove)

    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, nn.Linear):
                hooks.callback(hook(module, True, partial(seen.see_input, module)).remove)
        for i, block in enumerate(model.blocks):
            watch(f"{i}.residual", block, False)
            watch(f"{i}.entry", block, True)
            assert isinstance(block, Block)
            watch(f"{i}.mlp_in", block.mlp_in, False)
        for place, module, into in rounded_places(model):
            watch(place, module, into)
        for tokens, t in windows:
            model(tokens, tokens, t)
    return seen
