"""A model, its optimisers and their progress: one training step, evaluation, checkpoints.

A step depends on (seed, step, rank) and the weights before it, and on nothing else.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ConfigError, M2TError
from ..devices.precision import autocast
from ..files import save_model
from ..integers.rounded_training import imitate_integers
from ..networks.model import Model
from . import store
from .config import RunConfig
from .data import Crops
from .distributed import World, without_sync
from .ema import Ema
from .evaluate import evaluate
from .graphs import Replayed
from .initial import initialise
from .loss import draw_aims, for_eyes, rate_distortion
from .optim import build_optimizers, set_learning_rates
from .regions import all_shapes, compile_regions, not_compiled

MAX_SKIPPED_IN_A_ROW = 50


@dataclass
class Progress:
    """How far a run is; stored with each checkpoint."""

    step: int = 0
    """Steps done, the next step's number."""
    seconds: float = 0.0
    """Time spent training, resumed parts together."""
    skipped: int = 0
    """Steps left out because their gradient was not finite."""


class Trainer:
    """Everything that a training step moves forward."""

    def __init__(
        self,
        config: RunConfig,
        crops: Crops,
        out: Path,
        world: World,
        init: Sequence[Path] = (),
    ) -> None:
        """Go on from the newest checkpoint in `out`; without one, start from `init` or afresh."""
        self.config, self.crops, self.out, self.world = config, crops, out, world
        self.progress = Progress()
        self._skipped_in_a_row = 0
        self._settled: dict[Tensor, Tensor] = {}
        options = config.train
        if options.graphs and (world.size > 1 or not world.on_gpu):
            raise ConfigError("train.graphs is for one GPU")
        torch.manual_seed(options.seed)
        self.model = Model(config.model)
        if not store.checkpoints(out):
            initialise(self.model, config, crops, init)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(self.model.in_part(name, options.part))
        self.model.to(world.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.largest = imitate_integers(self.model.entropy) if options.integers else {}
        self.ema = Ema(self.model, options.ema)
        self.optimizers = build_optimizers(self.model, options, self.crops)
        stored = store.load_newest(out, self.model, self.ema, self.optimizers, self.largest)
        if stored is not None:
            self.progress = Progress(**stored)
        self._eye = compile_regions(self.model, options.integers) if options.compile else None
        self.forward = world.wrap(self.model)
        self._compute: Callable[..., Tensor] = self._gradients
        self._move: Callable[[], Tensor] = self._update
        if options.graphs:
            self._compute = Replayed(self._gradients, world.device)
            self._move = Replayed(self._update, world.device)

    def step(self, batch: Tensor) -> Tensor:
        """One update from a batch (B, 3, H, W) uint8.

        Returns:
            (4,) loss, bpp, mse (0..255) and gradient norm, of this process's share.
        """
        options, step = self.config.train, self.progress.step
        measured = self.backward(batch)
        self.world.maximise(self.largest)
        if torch.isfinite(measured[-1]):
            set_learning_rates(self.optimizers, options, step, self.progress.seconds)
            self._move()
            self.ema.update(self.model, step)
            self._skipped_in_a_row = 0
        else:
            self.progress.skipped += 1
            self._skipped_in_a_row += 1
            if self._skipped_in_a_row == MAX_SKIPPED_IN_A_ROW:
                raise M2TError(f"training diverged: no finite gradient up to step {step}")
        self.progress.step += 1
        return measured

    def backward(self, batch: Tensor) -> Tensor:
        """Gradients of a batch (B, 3, H, W) uint8; (4,) mean loss, bpp, mse, and their norm."""
        options, world, step = self.config.train, self.world, self.progress.step
        count = len(batch)
        self.model.train()
        # All randomness of a step comes from its number, so that resuming needs no history.
        torch.manual_seed(_seed(options.seed, step, world.rank))
        aims = draw_aims(self.config.model.rate, options, count * world.size, step)
        aims = aims[world.rank * count : (world.rank + 1) * count]
        seen = [for_eyes(part, options) for part in aims.chunk(options.accumulate)]
        with all_shapes() if options.compile else nullcontext():
            return self._compute(*(world.pinned(v) for v in (batch, aims, *seen)))

    def _gradients(self, batch: Tensor, aims: Tensor, *seen: Tensor) -> Tensor:
        """See `backward`; `seen`: for each micro-batch, the indices of what is for the eye."""
        options, rate, device = self.config.train, self.config.model.rate, self.world.device
        self.model.zero_grad()
        xs, aims = (v.to(device, non_blocking=True) for v in (batch, aims))
        xs = xs.float() / 255
        measured = torch.zeros(3, device=device)
        parts = zip(xs.chunk(len(seen)), aims.chunk(len(seen)), seen, strict=True)
        for i, (x, t, indices) in enumerate(parts):
            with without_sync(self.forward, last=i + 1 == len(seen)):
                with self.autocast():
                    out = self.forward(x, t, options.part)
                some = indices.to(device, non_blocking=True)
                how = (rate, options, some, self._eye)
                losses = rate_distortion(x, out.x_hat, out.bits, t, *how)
                (losses.loss / len(seen)).backward()
            measured += torch.stack(losses).detach() / len(seen)
        if options.graphs:
            self._settle_gradients()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), options.clip)
        return torch.cat([measured, norm.detach()[None]])

    def _settle_gradients(self) -> None:
        """Put the gradients where the graph of the update reads them, whichever shape they are of.

        Written anew and copied at once, they take a GPU less time than zeroed and added to.
        """
        new = {p: p.grad for p in self.model.parameters() if p.grad is not None}
        for parameter in new:
            if parameter not in self._settled:
                self._settled[parameter] = torch.empty_like(parameter)
            parameter.grad = self._settled[parameter]
        places = [self._settled[parameter] for parameter in new]
        torch._foreach_copy_(places, list(new.values()))  # pyright: ignore[reportPrivateImportUsage]

    def _update(self) -> Tensor:
        """Let the optimisers update the weights."""
        for optimizer in self.optimizers.values():
            optimizer.step()
        return torch.empty(0)

    def evaluate(self) -> dict[str, Any]:
        """The averaged weights on the held-out crops."""
        with self.ema.applied(self.model), self.autocast(), not_compiled():
            return evaluate(self.model, self.crops.evaluation(), self.config)

    def save(self) -> None:
        """A checkpoint, and the averaged weights as a model for use."""
        progress = dataclasses.asdict(self.progress)
        store.save(self.out, progress, self.model, self.ema, self.optimizers, self.largest)
        weights = self.ema.state_dict(self.model)
        save_model(self.out / "model.safetensors", self.config.model, weights)

    def learning_rates(self) -> dict[str, float]:
        """Of the last step, for the log."""
        groups = {name: optimizer.param_groups[0] for name, optimizer in self.optimizers.items()}
        return {f"lr_{name}": float(group["lr"]) for name, group in groups.items()}

    def autocast(self) -> torch.autocast:
        """Matrix products and convolutions in the configured precision."""
        return autocast(self.config.train.dtype, self.world.device)


def _seed(*parts: int) -> int:
    """An independent seed for each tuple of numbers."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "little") >> 1
