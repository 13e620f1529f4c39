"""The training loop: steps, and between them the log, checkpoints, evaluation, and when to stop."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from tqdm import tqdm

from ...atomic import remove_leftovers
from ...errors import ConfigError
from . import store
from .config import RunConfig
from .data import Crops, open_images, prefetch
from .distributed import World, join
from .log import Log, Meter
from .memory import keep_freed_memory
from .profile import profile_steps
from .trainer import Trainer


def run(
    preset: str,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    init: Sequence[Path] = (),
    minutes: float | None = None,
    steps: int | None = None,
    overrides: Sequence[str] = (),
    cache: Path | None = None,
) -> None:
    """Train `preset` on the images of `data` (a folder, or a text file listing paths).

    Everything goes to the folder `out`; decoded images to `cache` (default: out/data). With
    `resume`, go on from the newest checkpoint in `out`; with `init`, start from the weights in
    those files: transforms and entropy model each from the first one where they fit.
    `overrides` are of the form "train.lr_adam=0.002". Stops after `minutes`, after
    `steps` of the run, at SIGTERM or at SIGINT with a checkpoint.
    """
    keep_freed_memory()
    stop_at = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    config = configure(preset, out, resume, overrides)
    if config.train.threads:
        torch.set_num_threads(config.train.threads)
    with join(config.train.device) as world:
        crops = _open_crops(data, cache or out / "data", config, world)
        if world.leader:
            out.mkdir(parents=True, exist_ok=True)
            for folder in (out, out / store.FOLDER):
                remove_leftovers(folder)
            config.save(out / "config.json")
        trainer = Trainer(config, crops, out, world, init)
        if config.train.profile:
            profile_steps(trainer, config.train.profile, out / "profile.json")
            return
        with stop_signals() as stop:
            train(
                trainer,
                lambda: (
                    stop.is_set()
                    or time.monotonic() > stop_at
                    or (steps is not None and trainer.progress.step >= steps)
                ),
            )


def configure(preset: str, out: Path, resume: bool, overrides: Sequence[str]) -> RunConfig:
    """The config of a new run, or of the one in `out`, with `overrides`."""
    started = bool(store.checkpoints(out))
    if started and not resume:
        raise ConfigError(f"{out} holds a training run: resume it, or choose another folder")
    if not started:
        return RunConfig.of_preset(preset).override(overrides)
    stored = RunConfig.load(out / "config.json")
    config = stored.override(overrides)
    if stored.model.name != preset or config.model != stored.model:
        raise ConfigError(
            f"{out} trains another model ({stored.model.name}); only train.* may vary"
        )
    return config


def _open_crops(data: Path, cache: Path, config: RunConfig, world: World) -> Crops:
    if world.leader:
        remove_leftovers(cache)
        open_images(data, cache)
    world.barrier()  # the others read what the leader decoded
    return Crops(open_images(data, cache), config.train, world.rank, world.size)


def train(trainer: Trainer, stop: Callable[[], bool]) -> None:
    """Steps until the last one, or until stop() says so in any process."""
    options, world, progress = trainer.config.train, trainer.world, trainer.progress
    log = Log(trainer.out, progress.step, options.tensorboard) if world.leader else None
    meter, began = Meter(), time.monotonic() - progress.seconds
    saved = time.monotonic()
    quiet = None if world.leader else True  # None: a bar on a terminal only
    length = None if options.total_minutes else options.total_steps
    bar = tqdm(total=length, initial=progress.step, unit="step", disable=quiet)
    for batch in prefetch(trainer.crops, progress.step, pin=world.on_gpu):
        # By the leader's clock: learning rates and the end follow from it.
        stopped, progress.seconds = world.agree(stop(), progress.seconds)
        if stopped or options.done(progress.step, progress.seconds) >= 1:
            break
        meter.add(batch, world.size, trainer.step(batch))
        progress.seconds = time.monotonic() - began
        bar.update()
        if progress.step % options.log_every == 0:
            record, meter = meter.record(world), Meter()
            bar.set_postfix(loss=record["loss"], bpp=record["bpp"])
            if log:
                totals = {"seconds": round(progress.seconds, 1), "skipped": progress.skipped}
                log.write("train", progress.step, {**totals, **record, **trainer.learning_rates()})
        last = options.done(progress.step, progress.seconds) >= 1
        if log and (last or progress.step % options.eval_every == 0):
            seconds = {"seconds": round(progress.seconds, 1)}
            log.write("eval", progress.step, {**seconds, **trainer.evaluate()})
        if log and time.monotonic() - saved > 60 * options.save_minutes:
            trainer.save()
            saved = time.monotonic()
    bar.close()
    if log:
        trainer.save()
        log.close()
    world.barrier()  # nobody leaves while the leader still writes


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
