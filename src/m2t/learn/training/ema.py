"""The exponential moving average of the parameters, which is what gets evaluated and exported."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Averages of a model's parameters by name; never of buffers (an attention mask's -inf)."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.average = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the parameters after `step`; faster at first, to forget the start."""
        decay = min(self.decay, (1 + step) / (10 + step))
        new = [param.detach() for param in model.parameters()]
        averages = list(self.average.values())
        torch._foreach_lerp_(averages, new, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]

    def state_dict(self, model: nn.Module) -> dict[str, Tensor]:
        """The model's state with averaged parameters and its own buffers."""
        return {**model.state_dict(), **self.average}

    @contextmanager
    @torch.no_grad()
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Let `model` use the averages inside a `with` block."""
        kept = {name: p.detach().clone() for name, p in model.named_parameters()}
        try:
            _copy(self.average, model)
            yield
        finally:
            _copy(kept, model)


def _copy(values: dict[str, Tensor], model: nn.Module) -> None:
    for name, param in model.named_parameters():
        param.detach().copy_(values[name])
