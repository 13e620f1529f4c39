"""How large and how faithful: bits per pixel, PSNR, MS-SSIM, SSIMULACRA2.

`python -m m2t.eval.metrics DIR_A DIR_B` compares the images of the same name in two folders.
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ImageError
from ..image import open_image, to_picture

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".ppm", ".bmp", ".tif", ".tiff"}


def psnr(a: Image.Image | np.ndarray, b: Image.Image | np.ndarray) -> float:
    """PSNR in dB of two 8-bit images, the error taken over all pixels and channels."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != np.uint8 or b.dtype != np.uint8:
        raise ImageError(f"cannot compare {a.shape} {a.dtype} with {b.shape} {b.dtype}")
    mse = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 10 * math.log10(255**2 / mse) if mse > 0 else math.inf


@dataclass(frozen=True)
class Fidelity:
    """How near a decoded image is to its original. None: not measured, or not defined."""

    psnr: float
    """In dB over RGB; at most 100, which stands for no difference."""
    psnr_y: float
    """The same over luma alone (BT.601, full range, not rounded)."""
    ms_ssim: float | None
    """In RGB, 0 to 1; None where the image is too small for five scales."""
    ssimulacra2: float | None = None
    """Made for the eye: 100 is no difference, 70 hard to see, 30 low."""


def fidelity(original: Path, decoded: Path, with_ssimulacra2: bool = False) -> Fidelity:
    """Compare two image files. Raises ImageError where sizes differ."""
    a, b = load_rgb(original), load_rgb(decoded)
    return Fidelity(
        psnr=round(min(psnr(a, b), 100), 4),
        psnr_y=round(min(psnr_y(a, b), 100), 4),
        ms_ssim=ms_ssim(a, b),
        ssimulacra2=ssimulacra2(original, decoded) if with_ssimulacra2 else None,
    )


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


def decibels(ms_ssim: float) -> float:
    """MS-SSIM on a scale on which curves can be told apart; at most 100."""
    return -10 * math.log10(max(1 - ms_ssim, 1e-10))


def ssimulacra2(original: Path, decoded: Path) -> float:
    """SSIMULACRA2 of two image files."""
    from ssimulacra2 import compute_ssimulacra2  # noqa: PLC0415 - an optional package

    return round(float(compute_ssimulacra2(str(original), str(decoded))), 3)


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
