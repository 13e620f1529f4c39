"""Training images: decoded once into one memory-mapped file, then cut into random crops.

Batch k depends on (seed, k) only, so a resumed run needs no state of the data.
"""

import hashlib
import itertools
import json
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...atomic import replacing
from ...config import STRIDE
from ...errors import ConfigError, ImageError, M2TError
from ...image import open_image, to_picture
from .config import TrainConfig
from .drawn import draw


@dataclass(frozen=True)
class Images:
    """Decoded images behind each other in one flat array, usually a memory-mapped file."""

    names: tuple[str, ...]
    sizes: np.ndarray
    """(N, 2): height and width in pixels."""
    offsets: np.ndarray
    """(N,): where an image starts in `pixels`."""
    pixels: np.ndarray
    """uint8, RGB."""

    @classmethod
    def of_file(cls, path: Path, names: Iterable[str], sizes: Sequence[Sequence[int]]) -> "Images":
        """Those of a file that holds nothing else; sizes are (height, width)."""
        shapes = np.array(sizes, np.int64)
        num_bytes = shapes.prod(axis=1) * 3
        pixels = np.memmap(path, np.uint8, "r")
        return cls(tuple(names), shapes, num_bytes.cumsum() - num_bytes, pixels)

    def __getitem__(self, index: int | np.integer) -> np.ndarray:
        """Image `index` as (H, W, 3) uint8, not copied."""
        height, width = self.sizes[index]
        start = self.offsets[index]
        return self.pixels[start : start + height * width * 3].reshape(height, width, 3)

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices for training and held out: every 64th by hash of the name, at most 16."""
        order = sorted(range(len(self.names)), key=lambda i: _sha(self.names[i]))
        held_out = order[::64][:16]
        return np.setdiff1d(order, held_out), np.array(held_out)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def list_images(data: Path) -> list[Path]:
    """The images in a folder (and below it), or those that a text file lists line by line."""
    if data.is_dir():
        known = Image.registered_extensions()
        paths = sorted(path for path in data.rglob("*") if path.suffix.lower() in known)
    else:
        try:
            lines = data.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {data}: {error}") from error
        paths = [data.parent / line.strip() for line in lines if line.strip()]
    if len(paths) < 2:
        raise ConfigError(f"{data} must have two images at least: one is held out for evaluation")
    return paths


def open_images(data: Path, cache: Path) -> Images:
    """The images of `data`, decoded into the folder `cache` unless they are there already."""
    paths = list_images(data)
    try:
        stats = [path.stat() for path in paths]
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}") from error
    key = _sha(
        json.dumps([[str(p), s.st_size, s.st_mtime_ns] for p, s in zip(paths, stats, strict=True)])
    )
    index = cache / "index.json"
    if not index.exists() or json.loads(index.read_text())["key"] != key:
        _decode(paths, key, cache)
    content = json.loads(index.read_text())
    return Images.of_file(cache / "pixels.bin", content["names"], content["sizes"])


def _decode(paths: list[Path], key: str, cache: Path) -> None:
    """Write cache/pixels.bin and, last, cache/index.json."""
    cache.mkdir(parents=True, exist_ok=True)
    sizes = []
    with replacing(cache / "pixels.bin") as part:
        with ThreadPoolExecutor() as pool, part.open("wb") as file:
            for first in range(0, len(paths), 64):  # bounds the decoded images held in memory
                for pixels in pool.map(decoded, paths[first : first + 64]):
                    sizes.append(pixels.shape[:2])
                    file.write(pixels.tobytes())
        (cache / "index.json").unlink(missing_ok=True)
    index = {"key": key, "names": [path.name for path in paths], "sizes": sizes}
    with replacing(cache / "index.json") as part:
        part.write_text(json.dumps(index))


def decoded(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 of an image file, as the codec sees it: upright, CMYK by its profile.

    Raises ImageError.
    """
    try:
        return to_picture(open_image(path)).rgb
    except (M2TError, OSError) as error:
        raise ImageError(f"cannot read {path}: {error}") from error


class Crops:
    """Random crops for training, fixed ones for evaluation, random patches for the KLT."""

    def __init__(self, images: Images, config: TrainConfig, rank: int = 0, num_ranks: int = 1):
        self.images, self.config = images, config
        self.rank, self.num_ranks = rank, num_ranks
        self.train, self.held_out = images.split()
        for side in {max(crop) for crop in config.crops}:
            self._eligible(side * STRIDE)

    def batch_size(self, height: int, width: int) -> int:
        """Crops of height x width tokens per step, in all processes together."""
        parts = self.num_ranks * self.config.accumulate  # each gets the same number
        return max(1, round(self.config.batch_tokens / (height * width * parts))) * parts

    def batch(self, step: int) -> Tensor:
        """This process's share of batch `step`: (B, 3, H, W) uint8, channels last in memory."""
        crops, seed = self.config.crops, self.config.seed
        height, width = crops[np.random.default_rng((seed, step)).integers(len(crops))]
        count = self.batch_size(height, width) // self.num_ranks
        first = self.rank * count
        rngs = (np.random.default_rng((seed, step, i)) for i in range(first, first + count))
        stack = np.stack([self._crop(rng, height * STRIDE, width * STRIDE) for rng in rngs])
        return torch.from_numpy(stack).permute(0, 3, 1, 2)

    def evaluation(self) -> list[Tensor]:
        """Centres of the held-out images: (1, 3, H, W) uint8, sides multiples of 16 pixels."""
        largest = STRIDE * max(max(crop) for crop in self.config.crops)
        return [centre(self.images[i], largest) for i in self.held_out]

    def patches(self, count: int, side: int) -> Tensor:
        """(count, 3, side, side) float32 in [0, 1]: random places of the training images."""
        rng = np.random.default_rng((self.config.seed, side, count))
        stack = np.stack([self._cut(rng, side, side) for _ in range(count)])
        return torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 255

    def _crop(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A crop, perhaps scaled down, in one of the eight orientations; or one that is drawn."""
        transpose, upside_down, mirror = rng.random(3) < 0.5
        if transpose:
            height, width = width, height
        crop = self._cut(rng, height, width, rng.random() < self.config.downscale)
        crop = crop[:: -1 if upside_down else 1, :: -1 if mirror else 1]
        crop = crop.swapaxes(0, 1) if transpose else crop
        if self.config.drawn and rng.random() < self.config.drawn:
            height, width = crop.shape[:2]
            return draw(rng, height, width, crop)  # text is seldom upside down
        return crop

    def _cut(
        self, rng: np.random.Generator, height: int, width: int, scale: bool = False
    ) -> np.ndarray:
        """(height, width, 3) from anywhere; with `scale` from up to twice as large an area."""
        indices, pixels_before = self._eligible(max(height, width))
        choice = int(np.searchsorted(pixels_before, rng.random() * pixels_before[-1], "right"))
        image = self.images[int(indices[choice])]
        factor = 1.0
        if scale:
            room = min(image.shape[0] / height, image.shape[1] / width, 2.0)
            factor = rng.uniform(1, room)
        rows, cols = int(height * factor), int(width * factor)
        top = rng.integers(image.shape[0] - rows + 1)
        left = rng.integers(image.shape[1] - cols + 1)
        cut = image[top : top + rows, left : left + cols]
        if (rows, cols) == (height, width):
            return cut
        scaled = Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC)
        return np.asarray(scaled)

    def _eligible(self, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Training images with both sides that long, and the running sum of their pixels."""
        sizes = self.images.sizes[self.train]
        fits = sizes.min(axis=1) >= side
        if not fits.any():
            raise ConfigError(f"no training image is {side}x{side} pixels; choose smaller crops")
        return self.train[fits], sizes[fits].prod(axis=1).cumsum()


def centre(image: np.ndarray, largest: int) -> Tensor:
    """(1, 3, H, W) uint8: the middle of (H, W, 3), whole tokens, at most `largest` pixels."""
    height, width = (min(side // STRIDE * STRIDE, largest) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    crop = image[top : top + height, left : left + width].copy()
    return torch.from_numpy(crop).permute(2, 0, 1)[None]


def open_centre(path: Path, window: int) -> Tensor:
    """`centre` of an image file, as the codec sees it: at most a window of tokens."""
    return centre(to_picture(open_image(path)).rgb, STRIDE * window)


def prefetch(crops: Crops, first: int, pin: bool = False) -> Iterator[Tensor]:
    """Batches `first`, `first` + 1, ...: made in the background while others are used.

    By one thread, or by as many processes as config.workers says. With `pin`, processes put them
    where a GPU can fetch them by itself.
    """
    if not crops.config.workers:
        return _by_a_thread(crops, first)
    return iter(
        DataLoader(
            _Batches(crops),
            batch_size=None,
            sampler=itertools.count(first),
            num_workers=crops.config.workers,
            pin_memory=pin,
            worker_init_fn=_own_signals,
        )
    )


def _by_a_thread(crops: Crops, first: int) -> Iterator[Tensor]:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(crops.batch, first)
        for step in itertools.count(first + 1):
            ready, future = future.result(), pool.submit(crops.batch, step)
            yield ready


class _Batches(Dataset[Tensor]):
    """Batches by their number."""

    def __init__(self, crops: Crops) -> None:
        self.crops = crops

    def __getitem__(self, step: int) -> Tensor:
        return self.crops.batch(step)


def _own_signals(_worker: int) -> None:
    """Leave Ctrl-C to the main process, which stops at the end of a step, and end when told to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
