"""Classical codecs to compare with, through Pillow, and the command that measures them.

`python -m m2t.eval.anchors IMAGES --out results/anchors` writes one curve per codec.
"""

import argparse
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from .metrics import bpp, image_paths, load_rgb, psnr
from .results import Curve, Row, command_line, mean_points, save_result, versions


@dataclass(frozen=True)
class ImageCodec:
    """One of Pillow's lossy formats at fixed options; only the quality varies."""

    name: str
    format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    lowest: int = 0
    highest: int = 100
    qualities: tuple[int, ...] = ()
    """Those of the measured curve."""

    def encode(self, image: Image.Image, quality: int) -> bytes:
        """A complete file, container included."""
        buffer = io.BytesIO()
        image.save(buffer, self.format, quality=quality, **self.options)
        return buffer.getvalue()

    def decode(self, data: bytes) -> Image.Image:
        """The image of a file, as RGB."""
        return Image.open(io.BytesIO(data)).convert("RGB")

    def at_size(self, image: Image.Image, num_bytes: int) -> bytes | None:
        """The file of highest quality among those of at most `num_bytes`; None if there is none.

        By bisection: files are taken to grow with quality, which holds but for a few bytes.
        """
        low, high, best = self.lowest, self.highest, None
        while low <= high:
            quality = (low + high) // 2
            data = self.encode(image, quality)
            if len(data) <= num_bytes:
                best, low = data, quality + 1
            else:
                high = quality - 1
        return best

    def measure(self, path: Path, quality: int) -> Row:
        """Size and PSNR of one image file at one quality."""
        rgb = load_rgb(path)
        data = self.encode(Image.fromarray(rgb), quality)
        rate = bpp(len(data), rgb.shape[1], rgb.shape[0])
        distortion = psnr(rgb, self.decode(data))
        return Row(path.name, f"quality {quality}", len(data), round(rate, 6), round(distortion, 4))


CODECS = {
    "jpeg": ImageCodec(
        "JPEG (4:2:0, optimised Huffman tables)",
        "JPEG",
        {"optimize": True, "subsampling": "4:2:0"},
        lowest=1,
        highest=95,
        qualities=(3, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 85, 90),
    ),
    "webp": ImageCodec(
        "WebP (method 6)",
        "WEBP",
        {"method": 6},
        qualities=(0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90),
    ),
    # Pillow's default for AVIF is tuned for the eye, with chroma at half resolution: both cost
    # PSNR. Hence two anchors: the best for PSNR, and what a user gets.
    "avif": ImageCodec(
        "AVIF (4:4:4, tune=psnr, speed 4)",
        "AVIF",
        {"speed": 4, "subsampling": "4:4:4", "advanced": {"tune": "psnr"}, "max_threads": 1},
        qualities=(10, 20, 30, 40, 50, 60, 70, 80),
    ),
    "avif_default": ImageCodec(
        "AVIF (Pillow's defaults)",
        "AVIF",
        {"max_threads": 1},
        qualities=(10, 20, 30, 40, 50, 60, 70, 80),
    ),
}


def main() -> None:
    """Measure classical codecs on a folder of images."""
    parser = argparse.ArgumentParser(prog="python -m m2t.eval.anchors", description=main.__doc__)
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=list(CODECS))
    parser.add_argument("--dataset", help="its name in the results (default: that of the folder)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    args = parser.parse_args()
    paths = image_paths(args.images)
    dataset = args.dataset or args.images.resolve().name
    for name in args.codecs:
        codec = CODECS[name]
        work = [(path, quality) for quality in codec.qualities for path in paths]
        rows = [codec.measure(*item) for item in tqdm(work, desc=name, disable=None)]
        curve = Curve(codec.name, dataset, f"measured, {len(paths)} images", mean_points(rows))
        command = command_line("m2t.eval.anchors", args.images)
        save_result(args.out / f"{name}.json", curve, rows, versions=versions(), command=command)


if __name__ == "__main__":
    main()
