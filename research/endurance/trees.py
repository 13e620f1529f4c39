"""Folders of files, the pictures in them, and processes of `m2t` that work on them."""

import io
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from m2t.atomic import TEMPORARY

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "tests" / "tiny.safetensors"
M2T = (sys.executable, "-m", "m2t")
MODEL = ("--model", str(WEIGHTS), "--threads", "1")
Files = Mapping[str, bytes]
"""Path below a folder -> content."""


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def lay(folder: Path, files: Files) -> None:
    """Make a folder that has these files, and no others."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def temporaries(folder: Path) -> list[Path]:
    """The temporary files below a folder."""
    return [path for path in folder.rglob(".*.tmp") if TEMPORARY.fullmatch(path.name)]


def environment(temporary: Path) -> dict[str, str]:
    """Of a process whose temporary files, other than those beside targets, go to a folder."""
    return {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}


def photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth colours with some noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 24 + 2, width // 24 + 2, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.normal(0, 6, (height, width, 3))
    return Image.fromarray((np.asarray(smooth) + noise).clip(0, 255).astype(np.uint8))


def noise(width: int, height: int) -> Image.Image:
    """What no codec makes small."""
    shape = height, width, 3
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def png(image: Image.Image, **options: Any) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()
