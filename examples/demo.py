"""m2t next to JPEG and WebP on one photograph: a table, and a picture to look at.

python examples/demo.py [IMAGE] [--model NAME|PATH] [--qualities 15 45 75] [--out demo]
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from m2t.eval.anchors import CODECS, ImageCodec
from m2t.eval.command import run_m2t
from m2t.eval.metrics import bpp, load_rgb, psnr

PHOTO = Path(__file__).parent / "photo.png"
CROP_SIDE, CROP_CENTRE = 320, (0.4, 0.42)  # pixels; where in the image, as shares of its sides
MARGIN, LABEL_HEIGHT = 12, 44


@dataclass(frozen=True)
class Result:
    """One way to store the photograph."""

    name: str
    num_bytes: int
    image: Image.Image
    psnr: float

    def label(self) -> str:
        """Two lines to stand above the picture."""
        rate = bpp(self.num_bytes, *self.image.size)
        return f"{self.name}\n{self.num_bytes:,} bytes, {rate:.3f} bpp, {self.psnr:.2f} dB"


def through_m2t(photo: Path, quality: int, folder: Path, model: str | None) -> Result:
    """Compress and decompress with the real command, each in a process of its own."""
    encoded = folder / f"{photo.stem}_q{quality}.m2t"
    decoded = encoded.with_suffix(".png")
    options = ["--model", model] if model else []
    run_m2t("compress", photo, encoded, "-q", quality, "-f", *options)
    run_m2t("decompress", encoded, decoded, "-f")
    image = Image.fromarray(load_rgb(decoded))
    return Result(
        f"m2t, quality {quality}", encoded.stat().st_size, image, psnr(load_rgb(photo), image)
    )


def no_larger(name: str, codec: ImageCodec, original: Image.Image, num_bytes: int) -> Result:
    """The best file of a classical codec of at most that size, or the smallest that it can make."""
    data = codec.at_size(original, num_bytes)
    if data is None:
        name, data = f"{name} at its smallest", codec.encode(original, codec.lowest)
    image = codec.decode(data)
    return Result(name, len(data), image, psnr(original, image))


def print_table(rows: list[list[Result]]) -> None:
    """One line per result; the classical ones below the m2t file they compete with."""
    print(f"{'':28}{'bytes':>10}{'bpp':>8}{'PSNR':>10}")
    for group in rows:
        for i, result in enumerate(group):
            name = result.name if i == 0 else f"  {result.name}"
            rate = bpp(result.num_bytes, *result.image.size)
            print(f"{name:28}{result.num_bytes:10,}{rate:8.3f}{result.psnr:7.2f} dB")


def side_by_side(original: Image.Image, columns: list[list[Result]]) -> Image.Image:
    """Crops: the original and m2t in the upper row, JPEG beneath m2t, the whole bottom left."""
    width, height = original.size
    left = max(0, min(round(CROP_CENTRE[0] * width), width - CROP_SIDE // 2) - CROP_SIDE // 2)
    top = max(0, min(round(CROP_CENTRE[1] * height), height - CROP_SIDE // 2) - CROP_SIDE // 2)
    box = (left, top, left + CROP_SIDE, top + CROP_SIDE)

    whole = original.copy()
    ImageDraw.Draw(whole).rectangle(box, outline="white", width=4)
    whole.thumbnail((CROP_SIDE, CROP_SIDE))
    rows = [
        [(f"original\n{width}x{height}", original.crop(box))],
        [("the whole\nand what is shown of it", whole)],
    ]
    for ours, jpeg, *_ in columns:
        rows[0].append((ours.label(), ours.image.crop(box)))
        rows[1].append((jpeg.label(), jpeg.image.crop(box)))

    step_x, step_y = CROP_SIDE + MARGIN, CROP_SIDE + LABEL_HEIGHT + MARGIN
    sheet = Image.new("RGB", (step_x * len(rows[0]) + MARGIN, step_y * 2 + MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        for j, (label, tile) in enumerate(row):
            x, y = MARGIN + j * step_x, MARGIN + i * step_y
            draw.text((x, y), label, fill="black", font=ImageFont.load_default(15))
            sheet.paste(tile, (x, y + LABEL_HEIGHT))
    return sheet


def main() -> None:
    """Compare m2t with JPEG and WebP on one photograph."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("image", type=Path, nargs="?", default=PHOTO)
    parser.add_argument("--model", help="weights by name or path (default: those of the package)")
    parser.add_argument("--qualities", type=int, nargs="+", default=(15, 45, 75))
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder")
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    original = Image.fromarray(load_rgb(args.image))
    groups = []
    for quality in args.qualities:
        ours = through_m2t(args.image, quality, args.out, args.model)
        others = [
            no_larger(name, CODECS[key], original, ours.num_bytes)
            for name, key in (("JPEG", "jpeg"), ("WebP", "webp"))
        ]
        groups.append([ours, *others])
    print_table(groups)
    target = args.out / "side_by_side.png"
    side_by_side(original, groups).save(target)
    print(f"\npicture: {target}")


if __name__ == "__main__":
    main()
