"""Training on a GPU that one has for minutes, far from one's photographs.

    python -m research.training.gpu pack WEIGHTS LIST OUT   # here: what is sent
    python -m research.training.gpu unpack PART CACHE       # there, one by one, while it trains too
    python -m research.training.gpu check WEIGHTS CACHE OUT  # there: graphs against single kernels
    python -m research.training.gpu train WEIGHTS CACHE OUT [KEY=VALUE ...]

Photographs arrive while it trains: batches are cut from those that are there. Those that are held
out come with the first part. `train` ends early when OUT/stop appears.
"""

import fcntl
import itertools
import json
import sys
import tarfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from m2t.learn.files import save_model
from m2t.learn.load import load_model
from m2t.learn.training.config import RunConfig, TrainConfig
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
    config = RunConfig.of_preset(load_model(weights).config.name).override((*RECIPE, *settings))
    config.save(out / "config.json")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    crops = GrowingCrops(cache, config.train)
    return Trainer(config, crops, out, World(0, 1, device), [weights])


def run(weights: Path, cache: Path, out: Path, *settings: str) -> None:
    """Train, with checkpoints."""
    trainer = _trainer(weights, cache, out, settings)
    with stop_signals() as stop:
        train(trainer, lambda: stop.is_set() or (out / "stop").exists())
    (out / "done").touch()


def check(weights: Path, cache: Path, out: Path, *settings: str) -> None:
    """Losses and times of a few steps by single kernels and by graphs, and a profile of one.

    Everything goes to OUT/check.json. Fails where graphs lead elsewhere.
    """
    few = ("train.crops=[[16,16],[18,24]]", "train.warmup_steps=0", "train.workers=0", *settings)
    rows = []
    for graphs in ("false", "true"):
        trainer = _trainer(weights, cache, out / "check", (*few, f"train.graphs={graphs}"))
        batches = [trainer.crops.batch(step).pin_memory() for step in range(8)]
        batch_tokens = trainer.config.train.batch_tokens
        for _ in range(3):
            torch.cuda.synchronize()
            began = time.monotonic()
            found = np.mean([trainer.step(batch).tolist() for batch in batches], 0)
            seconds = (time.monotonic() - began) / len(batches)
            rows.append({"graphs": graphs == "true", "seconds_per_step": round(seconds, 4)})
            rows[-1] |= {name: round(v, 5) for name, v in zip(MEASURED, found, strict=True)}
            print(rows[-1], flush=True)
        with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as seen:
            trainer.step(batches[-1])
            torch.cuda.synchronize()
        kinds = seen.key_averages()
        rows[-1]["gpu_seconds"] = round(sum(k.self_device_time_total for k in kinds) / 1e6, 4)
        table = kinds.table(sort_by="self_device_time_total", row_limit=60)
        (out / f"profile-{graphs}.txt").write_text(table)
        del trainer
        torch.cuda.empty_cache()
    setting = {"device": torch.cuda.get_device_name(), "batch_tokens": batch_tokens}
    (out / "check.json").write_text(json.dumps({"schema": 1, **setting, "laps": rows}, indent=1))
    single, replayed = np.array([row["loss"] for row in rows]).reshape(2, 3)
    if not np.allclose(single, replayed, rtol=0.01):
        sys.exit("graphs lead elsewhere")


if __name__ == "__main__":
    main()
