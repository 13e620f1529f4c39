"""Training on a GPU that one has for minutes, far from one's photographs.

    python -m research.training.gpu pack WEIGHTS LIST OUT   # here: what is sent
    python -m research.training.gpu unpack PART CACHE       # there, one by one, while it trains too
    python -m research.training.gpu check WEIGHTS CACHE OUT  # there: which way is right and fastest
    python -m research.training.gpu train WEIGHTS CACHE OUT [KEY=VALUE ...]

Photographs arrive while it trains: batches are cut from those that are there. Those that are held
out come with the first part. With train.init=klt a model starts afresh: then WEIGHTS only tell what
settings change. `train` ends early when OUT/stop appears.
"""

import fcntl
import itertools
import json
import sys
import tarfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from m2t.learn.files import save_model
from m2t.learn.load import load_model
from m2t.learn.training.config import RunConfig, TrainConfig, recipe
from m2t.learn.training.data import Crops, Images, decoded, list_images
from m2t.learn.training.distributed import World
from m2t.learn.training.loop import stop_signals, train
from m2t.learn.training.memory import keep_freed_memory
from m2t.learn.training.trainer import Trainer

FIRST_PART, PART = 12 << 20, 54 << 20
"""Bytes of photographs in a part, about; the first one has the weights beside it."""
CROPS = (
    *((12, 12), (12, 16), (16, 12), (12, 20), (20, 12), (12, 24), (24, 12), (13, 17), (24, 13)),
    *((14, 18), (18, 14), (15, 15), (21, 14), (16, 16), (16, 20), (20, 16), (16, 24), (24, 16)),
    *((17, 22), (22, 17), (18, 18), (18, 24), (19, 21), (23, 19), (20, 20), (20, 24), (24, 20)),
    *((22, 22), (24, 24)),
)
"""Shapes of crops: each takes half a second to capture."""
MEASURED = ("loss", "bpp", "mse", "grad_norm")
RECIPE = (
    "train.graphs=true",
    "train.downscale=0.5",
    "train.init=random",
    "train.workers=14",
    "train.warmup_steps=200",
    "train.decay_fraction=1",
    "train.ema=0.999",
    "train.eval_every=6000",
    "train.log_every=200",
    "train.save_minutes=2",
    f"train.crops={json.dumps(CROPS)}",
)


def main() -> None:
    """Run the command that the arguments name."""
    name, *arguments = sys.argv[1:]
    commands = {"pack": pack, "unpack": unpack, "check": check, "train": run}
    paths = [Path(argument) for argument in arguments[:3]]
    commands[name](*paths, *arguments[3:])


def pack(weights: Path, listed: Path, out: Path) -> None:
    """OUT/start.safetensors, in half the bits where that does no harm, and OUT/photos-N.tar."""
    out.mkdir(parents=True, exist_ok=True)
    model = load_model(weights)
    linear = {f"{layer}.weight" for layer in model.roles().linear}
    state = {
        name: value if name in linear or value.ndim < 2 else value.half()
        for name, value in model.state_dict().items()
    }
    save_model(out / "start.safetensors", model.config, state)
    paths = {path.name: path for path in list_images(listed)}
    names = tuple(paths)
    nothing = np.zeros((len(names), 2), np.int64)
    _, held_out = Images(names, nothing, nothing[:, 0], np.zeros(0, np.uint8)).split()
    first = [names[i] for i in held_out]
    rest = np.random.default_rng(0).permutation([name for name in names if name not in first])
    part, size = 1, 0
    for name in itertools.chain(first, rest):
        if size >= (FIRST_PART if part == 1 else PART):
            part, size = part + 1, 0
        with tarfile.open(out / f"photos-{part}.tar", "w" if size == 0 else "a") as tar:
            prefix = "held_out" if name in first else "photos"
            tar.add(paths[name].resolve(), f"{prefix}/{name}")
        size += paths[name].stat().st_size


def unpack(part: Path, cache: Path) -> None:
    """Decode the photographs of a part behind those that the cache has."""
    cache.mkdir(parents=True, exist_ok=True)
    with tarfile.open(part) as tar:
        tar.extractall(cache / part.stem, filter="data")
    paths = sorted((cache / part.stem).rglob("*.*"))
    with ProcessPoolExecutor(15) as pool:
        pictures = list(pool.map(decoded, paths, chunksize=8))
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        index = _index(cache)
        with (cache / "pixels.bin").open("ab") as file:
            for path, picture in zip(paths, pictures, strict=True):
                index.append([path.name, path.parent.name, *picture.shape[:2]])
                file.write(picture.tobytes())
        (cache / "new.json").write_text(json.dumps(index))
        (cache / "new.json").replace(cache / "index.json")


def _index(cache: Path) -> list[list]:
    path = cache / "index.json"
    return json.loads(path.read_text()) if path.exists() else []


class GrowingCrops(Crops):
    """Crops of the photographs that have arrived by the time when a batch is cut."""

    def __init__(self, cache: Path, config: TrainConfig) -> None:
        self._cache, self._known = cache, 0
        super().__init__(self._open(), config)
        self._grow()

    def batch(self, step: int) -> Tensor:
        """See Crops."""
        self._grow()
        return super().batch(step)

    def _grow(self) -> None:
        changed = (self._cache / "index.json").stat().st_mtime_ns
        if changed == self._known:
            return
        self._known = changed
        self.images = self._open()
        held_out = np.array([row[1] == "held_out" for row in _index(self._cache)])
        held_out = held_out[: len(self.images.names)]
        (self.train,), (self.held_out,) = (~held_out).nonzero(), held_out.nonzero()

    def _open(self) -> Images:
        names, _, heights, widths = zip(*_index(self._cache), strict=True)
        sizes = list(zip(heights, widths, strict=True))
        return Images.of_file(self._cache / "pixels.bin", names, sizes)


def _trainer(weights: Path, cache: Path, out: Path, settings: tuple[str, ...]) -> Trainer:
    keep_freed_memory()
    out.mkdir(parents=True, exist_ok=True)
    model = load_model(weights).config
    config = RunConfig(model, recipe(model)).override((*RECIPE, *settings))
    config.save(out / "config.json")
    start = [] if config.train.init == "klt" else [weights]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    crops = GrowingCrops(cache, config.train)
    return Trainer(config, crops, out, World(0, 1, device), start)


def run(weights: Path, cache: Path, out: Path, *settings: str) -> None:
    """Train, with checkpoints."""
    trainer = _trainer(weights, cache, out, settings)
    with stop_signals() as stop:
        train(trainer, lambda: stop.is_set() or (out / "stop").exists())
    (out / "done").touch()


WAYS = {
    "kernels": ("train.graphs=false", "train.compile=false"),
    "graphs": ("train.graphs=true", "train.compile=false"),
    "compiled": ("train.graphs=true", "train.compile=true"),
}
"""How a step may be computed. The first is what the others must agree with; the last may fail."""
LAPS, STEPS = 3, 8


def check(weights: Path, cache: Path, out: Path, *settings: str) -> None:
    """A few steps in each way: losses and times to OUT/check.json, a profile of one step each.

    OUT/how gets the settings of the fastest way whose losses are right.
    """
    few = ("train.crops=[[16,16],[18,24]]", "train.warmup_steps=0", "train.workers=0", *settings)
    rows: list[dict[str, Any]] = []
    for way, options in WAYS.items():
        try:
            rows += _laps(_trainer(weights, cache, out / "check", (*few, *options)), out, way)
        except Exception as error:  # no compiler, no Triton, or an error of theirs
            rows.append({"way": way, "failed": f"{type(error).__name__}: {error}"[:500]})
            print(rows[-1], flush=True)
        # After each way, as there may be no time for all.
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
        told = {"schema": 2, "device": device, "settings": settings, "laps": rows}
        (out / "check.json").write_text(json.dumps(told, indent=1))
        (out / "how").write_text(" ".join(WAYS[best(rows)]) + "\n")


def best(laps: list[dict[str, Any]]) -> str:
    """The way whose last lap was the fastest, of those that lead where single kernels do."""
    of = {way: [lap for lap in laps if lap["way"] == way and "failed" not in lap] for way in WAYS}
    losses = {way: [lap["loss"] for lap in own] for way, own in of.items()}
    expected = losses["kernels"]
    same = [w for w in WAYS if len(losses[w]) == LAPS and np.allclose(losses[w], expected, 0.01)]
    return min(same, key=lambda way: of[way][-1]["seconds_per_step"], default="kernels")


def _laps(trainer: Trainer, out: Path, way: str) -> list[dict[str, Any]]:
    """The same steps again and again: the first lap compiles and captures."""
    on_gpu, rows = trainer.world.on_gpu, []
    activities = [ProfilerActivity.CPU] + on_gpu * [ProfilerActivity.CUDA]
    batches = [trainer.crops.batch(step) for step in range(STEPS)]
    batches = [trainer.world.pinned(batch) for batch in batches]
    for _ in range(LAPS):
        began = time.monotonic()
        found = np.mean([trainer.step(batch).tolist() for batch in batches], 0)
        seconds = (time.monotonic() - began) / len(batches)
        rows.append({"way": way, "seconds_per_step": round(seconds, 4)})
        rows[-1] |= {name: round(float(v), 5) for name, v in zip(MEASURED, found, strict=True)}
        print(rows[-1], flush=True)
    with profile(activities=activities) as seen:
        trainer.step(batches[-1]).tolist()
    kinds = seen.key_averages()
    rows[-1]["gpu_seconds"] = round(sum(k.self_device_time_total for k in kinds) / 1e6, 4)
    sort = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    (out / f"profile-{way}.txt").write_text(kinds.table(sort_by=sort, row_limit=60))
    return rows


if __name__ == "__main__":
    main()
