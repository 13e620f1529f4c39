"""Butteraugli, by the programs that Debian ships: how visible a difference is at a close look.

0 is no difference; around 1, attentive eyes begin to see one.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import M2TError

LARGEST = "butteraugli"
"""The program that prints the largest difference of any place."""
NORM_3 = "butteraugli_main"
"""libjxl's, which prints the 3-norm over all places as well."""
SMALLEST_SIDE = 16
"""In pixels; on smaller images the programs abort, or see no difference."""
MOST_SECONDS = 600


def butteraugli(a: np.ndarray, b: np.ndarray) -> float | None:
    """The largest difference of two images (H, W, 3) uint8 of one size; None if they are too small.

    Raises M2TError where the program fails, OSError where it is not installed.
    """
    return _score(LARGEST, r"^([\d.]+)$", a, b)


def butteraugli_3(a: np.ndarray, b: np.ndarray) -> float | None:
    """The 3-norm of the difference, which one bad place does not decide; otherwise as above."""
    return _score(NORM_3, r"^3-norm: ([\d.]+)$", a, b)


def _score(program: str, pattern: str, a: np.ndarray, b: np.ndarray) -> float | None:
    if min(a.shape[:2]) < SMALLEST_SIDE:
        return None
    output = _output(program, a, b)
    found = re.search(pattern, output, re.MULTILINE)
    if found is None:
        raise M2TError(f"{program} printed no score, but {output!r}")
    return float(found[1])


def _output(program: str, *images: np.ndarray) -> str:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{name}.png") for name in ("original", "decoded")]
        for path, pixels in zip(paths, images, strict=True):
            Image.fromarray(pixels).save(path, compress_level=1)
        command = [program, *map(str, paths)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise M2TError(f"{program} took over {MOST_SECONDS} seconds") from error
    if done.returncode != 0:
        raise M2TError(f"{program} failed with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout
