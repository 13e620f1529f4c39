"""How large and how faithful: bits per pixel, PSNR, MS-SSIM, SSIMULACRA2, FLIP.

`python -m m2t.eval.metrics DIR_A DIR_B` compares the images of the same name in two folders.
"""

import argparse
import io
import math
from pathlib import Path

import numpy as np
from PIL import Image

from ..engine import score
from ..errors import ImageError
from ..image import open_image, to_picture

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".ppm", ".bmp", ".tif", ".tiff"}
SIX_SCALES = 225
"""Sides, in pixels, from which pictures have all scales of SSIMULACRA2. The package, and libjxl's
program below 113, count weights one after the other, and those that smaller pictures do not need
are not left out: what one colour's maps lack, the next one's take."""


def psnr(a: Image.Image | np.ndarray, b: Image.Image | np.ndarray) -> float:
    """PSNR in dB of two 8-bit images, the error taken over all pixels and channels."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != np.uint8 or b.dtype != np.uint8:
        raise ImageError(f"cannot compare {a.shape} {a.dtype} with {b.shape} {b.dtype}")
    return score.psnr(a, b)


def psnr_y(a: np.ndarray, b: np.ndarray) -> float:
    """PSNR in dB of the luma of two images (H, W, 3) uint8 of one size."""
    luma = np.array([0.299, 0.587, 0.114])
    mse = float(np.mean(((a.astype(np.float64) - b) @ luma) ** 2))
    return 10 * math.log10(255**2 / mse) if mse > 0 else math.inf


def ms_ssim(a: np.ndarray, b: np.ndarray) -> float | None:
    """MS-SSIM of two images (H, W, 3) uint8 of one size; None below 161 pixels a side."""
    import torch  # noqa: PLC0415 - only this metric needs it
    from pytorch_msssim import ms_ssim as measure  # noqa: PLC0415

    if min(a.shape[:2]) <= 160:
        return None
    x, y = (torch.tensor(v).float().permute(2, 0, 1)[None].contiguous() for v in (a, b))
    return round(float(measure(x, y, data_range=255)), 6)


def ssimulacra2(a: np.ndarray, b: np.ndarray) -> float | None:
    """SSIMULACRA2 of two images (H, W, 3) uint8 of one size; None below 8 pixels a side.

    Made for the eye: 100 is no difference, 70 hard to see, 30 low, and very bad ones are negative.
    It is the package's, and below SIX_SCALES pixels a side that of engine/score.py.
    """
    from ssimulacra2 import compute_ssimulacra2  # noqa: PLC0415 - an optional package

    if min(a.shape[:2]) < 8:
        return None
    if min(a.shape[:2]) < SIX_SCALES:
        return round(score.ssimulacra2(a, b), 3)
    x, y = io.BytesIO(), io.BytesIO()  # it takes files only
    Image.fromarray(a).save(x, "PPM")
    Image.fromarray(b).save(y, "PPM")
    return round(float(compute_ssimulacra2(x, y)), 3)


def flip(a: np.ndarray, b: np.ndarray) -> float:
    """Mean FLIP of two images (H, W, 3) uint8 of one size, seen at 67 pixels per degree.

    0 is no difference, 1 the largest: what is seen when flipping between the two.
    """
    from flip_evaluator import evaluate  # noqa: PLC0415 - an optional package

    x, y = ((pixels / 255).astype(np.float32) for pixels in (a, b))
    _, mean, _ = evaluate(x, y, "LDR", applyMagma=False)
    return round(float(mean), 6)


def decibels(error: float) -> float:
    """An error on a scale that rises with quality and tells small ones apart; at most 100."""
    return -10 * math.log10(max(error, 1e-10))


def bpp(num_bytes: int, width: int, height: int) -> float:
    """Bits per pixel of a file."""
    return 8 * num_bytes / (width * height)


def load_rgb(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 pixels of an image file, as the codec sees them."""
    return to_picture(open_image(path)).rgb


def image_paths(folder: Path) -> list[Path]:
    """The image files of a folder by name; ImageError if there are none."""
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise ImageError(f"{folder}: no images in there")
    return paths


def main() -> None:
    """Print the PSNR of each pair of images, and the mean."""
    parser = argparse.ArgumentParser(prog="python -m m2t.eval.metrics", description=main.__doc__)
    parser.add_argument("a", type=Path, metavar="DIR_A")
    parser.add_argument("b", type=Path, metavar="DIR_B")
    args = parser.parse_args()
    others = {path.stem: path for path in image_paths(args.b)}
    pairs = [(path, others[path.stem]) for path in image_paths(args.a) if path.stem in others]
    if not pairs:
        raise ImageError(f"{args.a} and {args.b} have no image names in common")
    values = [psnr(load_rgb(a), load_rgb(b)) for a, b in pairs]
    for (path, _), value in zip(pairs, values, strict=True):
        print(f"{path.stem}  {value:.3f} dB")
    print(f"mean of {len(values)}  {sum(values) / len(values):.3f} dB")


if __name__ == "__main__":
    main()
