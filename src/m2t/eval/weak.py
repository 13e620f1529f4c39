"""Pictures that the codec is not made for, beside others at no more bytes: docs/model.md."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .anchors import CODECS
from .codec import Codec
from .metrics import bpp, load_rgb, psnr
from .ours import m2t_codec
from .results import versions

SIDE = 256
QUALITY = 25
RIVALS = ("jpeg", "avif")
_MARGIN, _LINE = 8, 18
_TEXT = (
    "The quick brown fox",
    "jumps over the lazy dog.",
    "0123456789 (+-*/) [x] {y}",
    "Small print is hard",
    "for square errors.",
)


def main() -> None:
    """Write the sheet of pictures and its numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, required=True, help="To which noise is added.")
    parser.add_argument("--face", type=Path, required=True, help="A portrait.")
    parser.add_argument("--face-at", type=int, nargs=2, default=(0, 0), metavar=("LEFT", "TOP"))
    parser.add_argument("--sheet", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    left, top = options.face_at
    face = Image.fromarray(load_rgb(options.face)).crop((left, top, left + SIDE, top + SIDE))
    sources = {
        "text": text(),
        "drawing": drawing(),
        "noise": noise(Image.fromarray(load_rgb(options.photo))),
        "face": face,
    }
    rows = {name: list(versions_of(image)) for name, image in sources.items()}
    sheet(rows).save(options.sheet, quality=90)
    points = [
        {"picture": name, "codec": label, "bpp": round(rate, 4), "psnr": round(decibels, 3)}
        for name, row in rows.items()
        for label, rate, decibels, _ in row[1:]
    ]
    result = {"schema": 1, "quality": QUALITY, "points": points, "versions": versions()}
    options.out.write_text(json.dumps(result, indent=1) + "\n")


def text() -> Image.Image:
    """Lines of black and coloured type on white, smaller and smaller."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    draw, top = ImageDraw.Draw(image), 8
    for i, size in enumerate((24, 20, 16, 13, 11, 10, 9, 8)):
        colour = ((0, 0, 0), (170, 20, 20), (20, 60, 160))[i % 3]
        draw.text((8, top), _TEXT[i % len(_TEXT)], colour, ImageFont.load_default(size))
        top += 3 * size // 2
    return image


def drawing() -> Image.Image:
    """Flat colours with hard edges, thin lines, a ramp."""
    image = Image.new("RGB", (SIDE, SIDE), (250, 240, 215))
    draw = ImageDraw.Draw(image)
    draw.rectangle((16, 16, 120, 100), (220, 50, 40))
    draw.ellipse((90, 60, 200, 170), (30, 110, 200), outline=(0, 0, 0), width=2)
    draw.polygon([(30, 230), (90, 120), (150, 230)], (250, 200, 30))
    for i in range(12):
        draw.line((170, 180 + 6 * i, 250, 180 + 3 * i), (0, 0, 0), width=1)
    for x in range(SIDE):
        draw.line((x, 246, x, SIDE), (x, 255 - x, 128))
    return image


def noise(photo: Image.Image) -> Image.Image:
    """The middle of a photograph with noise as of a sensor in the dark."""
    left, top = (photo.width - SIDE) // 2, (photo.height - SIDE) // 2
    pixels = np.asarray(photo.crop((left, top, left + SIDE, top + SIDE)), np.float64)
    grain = np.random.default_rng(0).normal(0, 20, pixels.shape)
    return Image.fromarray((pixels + grain).clip(0, 255).round().astype(np.uint8))


def versions_of(image: Image.Image) -> Iterator[tuple[str, float, float, Image.Image]]:
    """(label, bpp, PSNR, picture): the original, m2t, and others with no more bytes."""
    yield "original", 24.0, float("inf"), image
    ours = m2t_codec()
    coded: list[tuple[Codec, bytes]] = [(ours, ours.encode(image, QUALITY))]
    for name in RIVALS:
        rival = CODECS[name]
        data = rival.at_size(image, len(coded[0][1])) or rival.encode(image, rival.lowest)
        coded.append((rival, data))
    for codec, data in coded:
        decoded = codec.decode(data)
        yield codec.label, bpp(len(data), *image.size), psnr(image, decoded), decoded


def sheet(rows: dict[str, list[tuple[str, float, float, Image.Image]]]) -> Image.Image:
    """One row per picture, with a line under each version."""
    width = (SIDE + _MARGIN) * (2 + len(RIVALS)) + _MARGIN
    height = (SIDE + _LINE + _MARGIN) * len(rows) + _MARGIN
    page = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for i, row in enumerate(rows.values()):
        for j, (label, rate, decibels, image) in enumerate(row):
            left = _MARGIN + j * (SIDE + _MARGIN)
            top = _MARGIN + i * (SIDE + _LINE + _MARGIN)
            page.paste(image, (left, top))
            numbers = "" if j == 0 else f": {rate:.2f} bpp, {decibels:.1f} dB"
            draw.text((left, top + SIDE + 2), f"{label.split(' (')[0]}{numbers}", "black", font)
    return page


if __name__ == "__main__":
    main()
