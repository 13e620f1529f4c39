"""What people see: parts of pictures, enlarged, beside other codecs at no more bytes.

    python -m research.pictures --kodak FOLDER --photo PHOTO --out FOLDER --results FILE

Whole pictures are coded; a part of each is shown. One sheet for each of a low, a middle and a high
quality, and all sizes and scores in a JSON file, with a curve of the page of text.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from m2t.eval.anchors import CODECS
from m2t.eval.codec import Codec
from m2t.eval.judges import METRICS
from m2t.eval.metrics import bpp, load_rgb
from m2t.eval.ours import m2t_codec
from m2t.eval.results import versions

QUALITIES = {"low": 20, "middle": 50, "high": 80}
PAGE_QUALITIES = (10, 30, 50, 70, 90)
RIVALS = ("avif_default", "jxl")
SHOWN, ZOOM = 160, 2
"""Side in pixels of what is shown, and its enlargement."""
PLACES = {
    "face": ("kodim15.png", 410, 90),
    "sky": ("kodim21.png", 270, 40),
    "foliage": ("kodim13.png", 380, 150),
    "sign": ("kodim08.png", 590, 250),
}
"""Image of Kodak, and the left and top of what is shown."""
PAGE_SIDE, LETTERS = 512, 14
_MARGIN, _LINE = 8, 18
_INKS = ((0, 0, 0), (200, 0, 0), (0, 128, 0), (0, 0, 200))
_TEXT = "The quick brown fox jumps over the lazy dog, 0123456789 (+-*/) [x] {y}; and so on."


class Source(NamedTuple):
    """A picture, and where the part of it that is shown begins."""

    image: Image.Image
    left: int
    top: int


def main() -> None:
    """Write the sheets and the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kodak", type=Path, required=True, help="Folder of the Kodak images.")
    parser.add_argument("--photo", type=Path, required=True, help="To which noise is added.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of the sheets.")
    parser.add_argument("--results", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    sources = all_sources(options.kodak, options.photo)
    points = []
    for name, quality in QUALITIES.items():
        rows = {picture: list(coded(source, quality)) for picture, source in sources.items()}
        sheet(rows).save(options.out / f"pictures_{name}.jpg", quality=85)
        points += [
            {"sheet": name, "picture": picture, **facts}
            for picture, row in rows.items()
            for facts, _ in row[1:]
        ]
    curve = [facts for q in PAGE_QUALITIES for facts, _ in list(coded(sources["text"], q))[1:]]
    result = {"schema": 1, "points": points, "page": curve, "versions": versions()}
    options.results.write_text(json.dumps(result, indent=1) + "\n")


def all_sources(kodak: Path, photo: Path) -> dict[str, Source]:
    """The pictures by name."""
    found = {
        name: Source(Image.fromarray(load_rgb(kodak / file)), left, top)
        for name, (file, left, top) in PLACES.items()
    }
    noisy = noise(Image.fromarray(load_rgb(photo)))
    middle = ((noisy.width - SHOWN) // 2, (noisy.height - SHOWN) // 2)
    return {**found, "noise": Source(noisy, *middle), "text": Source(page(), 0, 0)}


def page() -> Image.Image:
    """Lines of type of 14 pixels in four colours on white."""
    image = Image.new("RGB", (PAGE_SIDE, PAGE_SIDE), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(LETTERS)
    for number, top in enumerate(range(6, PAGE_SIDE - LETTERS, 20)):
        line = _TEXT[number:] + _TEXT[:number]
        draw.text((8, top), line, _INKS[number % len(_INKS)], font)
    return image


def noise(photo: Image.Image) -> Image.Image:
    """A photograph with noise as of a sensor in the dark."""
    pixels = np.asarray(photo, np.float64)
    grain = np.random.default_rng(0).normal(0, 20, pixels.shape)
    return Image.fromarray((pixels + grain).clip(0, 255).round().astype(np.uint8))


def coded(source: Source, quality: int) -> Iterator[tuple[dict[str, Any], Image.Image]]:
    """Facts and the part that is shown: of the original, m2t, and others with no more bytes.

    Others that cannot be that small are as small as they can be.
    """
    image = source.image
    yield {"codec": "original", "bpp": 24.0}, shown(source, image)
    ours = m2t_codec()
    files: list[tuple[Codec, bytes]] = [(ours, ours.encode(image, quality))]
    for name in RIVALS:
        rival = CODECS[name]
        data = rival.at_size(image, len(files[0][1])) or rival.encode(image, rival.lowest)
        files.append((rival, data))
    for codec, data in files:
        decoded = codec.decode(data)
        facts = {"codec": codec.label, "quality": quality} if codec is ours else {}
        yield (
            {"codec": codec.label, **facts, **judged(image, decoded, data)},
            shown(source, decoded),
        )


def judged(image: Image.Image, decoded: Image.Image, data: bytes) -> dict[str, float | None]:
    """Rate, PSNR and SSIMULACRA2 of a picture."""
    pair = [np.asarray(picture.convert("RGB")) for picture in (image, decoded)]
    scores = {name: METRICS[name].measure(*pair) for name in ("psnr", "ssimulacra2")}
    rounded = {name: None if v is None else round(v, 3) for name, v in scores.items()}
    return {"bpp": round(bpp(len(data), *image.size), 4), **rounded}


def shown(source: Source, image: Image.Image) -> Image.Image:
    """The part of a picture, enlarged without smoothing."""
    box = (source.left, source.top, source.left + SHOWN, source.top + SHOWN)
    return image.crop(box).resize((SHOWN * ZOOM, SHOWN * ZOOM), Image.Resampling.NEAREST)


def sheet(rows: dict[str, list[tuple[dict[str, Any], Image.Image]]]) -> Image.Image:
    """One row per picture, with a line under each version."""
    side = SHOWN * ZOOM
    width = (side + _MARGIN) * (2 + len(RIVALS)) + _MARGIN
    height = (side + _LINE + _MARGIN) * len(rows) + _MARGIN
    sheet = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for i, row in enumerate(rows.values()):
        for j, (facts, image) in enumerate(row):
            left = _MARGIN + j * (side + _MARGIN)
            top = _MARGIN + i * (side + _LINE + _MARGIN)
            sheet.paste(image, (left, top))
            label = facts["codec"].split(" (")[0]
            if "ssimulacra2" in facts:
                label += ": {bpp:.2f} bpp, SSIMULACRA2 {ssimulacra2:.0f}".format(**facts)
            draw.text((left, top + side + 2), label, "black", font)
    return sheet


if __name__ == "__main__":
    main()
