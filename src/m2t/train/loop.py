"""The training loop. A step depends on (seed, step, rank) and the weights before it, no more."""

import dataclasses
import hashlib
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from .. import checkpoint
from ..errors import ConfigError, M2TError
from ..model import Model
from . import store
from .config import RunConfig
from .data import Crops, open_images, prefetch
from .distributed import World, join, without_sync
from .ema import Ema
from .evaluate import evaluate
from .initial import initialise
from .log import Log
from .loss import draw_lambdas, rate_distortion
from .optim import build_optimizers, set_learning_rates
from .profile import profile_steps

MAX_SKIPPED_IN_A_ROW = 50


def run(
    preset: str,
    data: Path,
    out: Path,
    resume: bool = False,
    init: Path | None = None,
    minutes: float | None = None,
    overrides: Sequence[str] = (),
    cache: Path | None = None,
) -> None:
    """Train `preset` on the images of `data` (a folder, or a text file listing paths).

    Everything goes to the folder `out`; decoded images to `cache` (default: out/data). With
    `resume`, go on from the newest checkpoint in `out`; with `init`, start from those weights.
    Stops after `minutes`, at SIGTERM or at SIGINT with a checkpoint.
    """
    stop_at = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    config = configure(preset, out, resume, overrides)
    if config.train.threads:
        torch.set_num_threads(config.train.threads)
    with join(config.train.device) as world:
        cache = cache or out / "data"
        if world.leader:
            out.mkdir(parents=True, exist_ok=True)
            config.save(out / "config.json")
            open_images(data, cache)
        world.barrier()  # the others read what the leader decoded
        crops = Crops(open_images(data, cache), config.train, world.rank, world.size)
        trainer = Trainer(config, crops, out, world)
        trainer.start(init)
        if config.train.profile:
            profile_steps(trainer, config.train.profile, out / "profile.json")
        else:
            with stop_signals() as stop:
                trainer.train(lambda: stop.is_set() or time.monotonic() > stop_at)


def configure(preset: str, out: Path, resume: bool, overrides: Sequence[str]) -> RunConfig:
    """The config of a new run, or of the one in `out`, with `overrides`."""
    started = any((out / "checkpoints").glob("*.safetensors"))
    if started and not resume:
        raise ConfigError(f"{out} holds a training run: resume it, or choose another folder")
    if not started:
        return RunConfig.of_preset(preset).override(overrides)
    stored = RunConfig.load(out / "config.json")
    config = stored.override(overrides)
    if stored.model.name != preset or config.model != stored.model:
        raise ConfigError(f"{out} trains another model ({stored.model.name}); only train.* may vary")
    return config


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
    """A model with its optimisers, average and data: all that the loop moves forward."""

    def __init__(self, config: RunConfig, crops: Crops, out: Path, world: World) -> None:
        self.config, self.crops, self.out, self.world = config, crops, out, world
        options = config.train
        torch.manual_seed(options.seed)
        self.model = Model(config.model).to(world.device, memory_format=torch.channels_last)
        self.optimizers = build_optimizers(self.model, options)
        self.progress = Progress()

    def start(self, init: Path | None) -> None:
        """Weights from the newest checkpoint if there is one, else `init`, else a fresh start."""
        self.ema = Ema(self.model, self.config.train.ema)
        folder = self.out / "checkpoints"
        stored = store.load_newest(folder, self.model, self.ema, self.optimizers)
        if stored is not None:
            self.progress = Progress(**stored)  # type: ignore[arg-type]
        else:
            initialise(self.model, self.config, self.crops, init)
            self.ema = Ema(self.model, self.config.train.ema)
        wrapped = self.world.wrap(self.model)
        self.forward = torch.compile(wrapped) if self.config.train.compile else wrapped

    def train(self, stop) -> None:  # noqa: ANN001 - Callable[[], bool]
        """Steps until the last one or until stop() says so, with log, checkpoints, evaluation."""
        options, world, progress = self.config.train, self.world, self.progress
        log = Log(self.out, progress.step, options.tensorboard) if world.leader else None
        meter = Meter()
        saved = began = time.monotonic()
        before = progress.seconds
        bar = tqdm(
            total=options.total_steps,
            initial=progress.step,
            unit="step",
            disable=None if world.leader else True,  # None: shown on a terminal only
        )
        for batch in prefetch(self.crops.batch, progress.step):
            if progress.step >= options.total_steps or world.any(stop()):
                break
            meter.add(batch, world.size, self.step(batch))
            progress.seconds = before + time.monotonic() - began
            bar.update()
            if progress.step % options.log_every == 0:
                record = meter.flush(world)
                bar.set_postfix(loss=record["loss"], bpp=record["bpp"])
                if log:
                    lr = options.lr_muon * options.factor(progress.step - 1)
                    totals = {"seconds": round(progress.seconds, 1), "skipped": progress.skipped}
                    log.write("train", progress.step, {**totals, **record, "lr": lr})
            if log and progress.step % options.eval_every == 0:
                log.write("eval", progress.step, self.evaluate())
            if world.leader and time.monotonic() - saved > 60 * options.save_minutes:
                self.save()
                saved = time.monotonic()
        bar.close()
        if log:
            self.save()
            if progress.step == options.total_steps and progress.step % options.eval_every:
                log.write("eval", progress.step, self.evaluate())
            log.close()
        world.barrier()

    def step(self, batch: Tensor) -> Tensor:
        """One update; (4,) loss, bpp, mse, gradient norm of this process's share (mse: 0..255)."""
        options, step = self.config.train, self.progress.step
        self.model.train()
        # All randomness of a step comes from its number, so that resuming needs no history.
        torch.manual_seed(_seed(options.seed, step, self.world.rank))
        measured = self.backward(batch)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), options.clip)
        if torch.isfinite(norm):
            set_learning_rates(self.optimizers, options, step)
            for optimizer in self.optimizers.values():
                optimizer.step()
            self.ema.update(self.model, step)
            self.skipped_in_a_row = 0
        else:
            self.progress.skipped += 1
            self.skipped_in_a_row += 1
            if self.skipped_in_a_row == MAX_SKIPPED_IN_A_ROW:
                raise M2TError(f"training diverged: no finite gradient since step {step}")
        self.model.zero_grad(set_to_none=True)
        self.progress.step += 1
        return torch.cat([measured, norm.detach()[None]])

    skipped_in_a_row = 0

    def backward(self, batch: Tensor) -> Tensor:
        """Gradients of a batch (B, 3, H, W) uint8; (3,) mean loss, bpp, mse."""
        options, world, rate = self.config.train, self.world, self.config.model.rate
        count = len(batch)
        lmbdas = draw_lambdas(rate, count * world.size, options.seed, self.progress.step)
        lmbdas = lmbdas[world.rank * count : (world.rank + 1) * count].to(world.device)
        xs = batch.to(world.device, non_blocking=True).float() / 255
        parts = list(zip(xs.chunk(options.accumulate), lmbdas.chunk(options.accumulate), strict=True))
        measured = torch.zeros(3, device=world.device)
        for i, (x, lmbda) in enumerate(parts):
            with without_sync(self.forward, last=i + 1 == len(parts)):
                with self.autocast():
                    out = self.forward(x, lmbda)
                losses = rate_distortion(x, out.x_hat, out.bits, lmbda, rate)
                (losses.loss / len(parts)).backward()
            measured += torch.stack(losses).detach() / len(parts)
        return measured

    def autocast(self) -> torch.autocast:
        """Matrix products and convolutions in the configured precision."""
        on = self.config.train.dtype == "bfloat16"
        return torch.autocast(self.world.device.type, torch.bfloat16, enabled=on)

    def evaluate(self) -> dict:
        """The averaged weights on the held-out crops."""
        with self.ema.applied(self.model), self.autocast():
            return evaluate(self.model, self.crops.evaluation(), self.config.model.rate)

    def save(self) -> None:
        """A checkpoint, and the averaged weights for use."""
        store.save(
            self.out / "checkpoints",
            dataclasses.asdict(self.progress),
            self.model,
            self.ema,
            self.optimizers,
        )
        weights = self.ema.state_dict(self.model)
        checkpoint.save_model(self.out / "model.safetensors", self.config.model, weights)


class Meter:
    """Means and speeds since the last line of the log."""

    def __init__(self) -> None:
        self.sums = torch.zeros(4)
        self.num_steps = self.num_crops = self.num_pixels = 0
        self.began = time.monotonic()

    def add(self, batch: Tensor, num_ranks: int, measured: Tensor) -> None:
        """Count a step: its share of a batch and what Trainer.step() returned."""
        self.sums = self.sums.to(measured.device) + measured
        self.num_steps += 1
        self.num_crops += len(batch) * num_ranks
        self.num_pixels += batch[:, 0].numel() * num_ranks

    def flush(self, world: World) -> dict[str, float]:
        """The record for the log; starts afresh. All processes must ask together."""
        seconds = time.monotonic() - self.began
        loss, bpp, mse, norm = world.average(self.sums / self.num_steps).tolist()
        record = {
            "loss": round(loss, 5),
            "bpp": round(bpp, 5),
            "mse": round(mse, 4),
            "grad_norm": round(norm, 4),
            "crops_per_second": round(self.num_crops / seconds, 2),
            "pixels_per_second": round(self.num_pixels / seconds),
        }
        self.__init__()
        return record


def _seed(*parts: int) -> int:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event set by SIGTERM or SIGINT; a second signal acts as usual."""
    stop, before = threading.Event(), {}

    def on_signal(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
