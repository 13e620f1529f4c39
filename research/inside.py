"""Small pictures of what `m2t inspect` finds in a file, for docs/how.md.

    m2t inspect examples/photo.png --out FOLDER -q 50
    python -m research.inside FOLDER --out docs/inside

The map of bits, two plots, and one sheet of the image after some of the steps.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

PLOTS = ("order", "progress")
COLOURS = 64
"""Of a plot, which is a PNG file: flat colours and sharp edges."""
STEPS = (0, 3, 7, 12)
COLUMNS = {
    "known": "what is known",
    "expected": "what the model expects",
    "average": "the average of samples",
}
SHOWN, WIDTH = 300, 720
"""Pixels of a picture's width on the sheet, and of the map of bits over the photograph."""
QUALITY = 80
"""Of the JPEG files."""
_MARGIN, _LINE = 6, 18


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inspected", type=Path, help="Folder that m2t inspect wrote.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of the pictures.")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in PLOTS:
        with Image.open(options.inspected / f"{name}.png") as plot:
            flat = plot.convert("RGB").quantize(COLOURS)
        flat.save(options.out / f"{name}.png", optimize=True)
    save(smaller(options.inspected / "bits.png", WIDTH), options.out / "bits.jpg")
    save(sheet(options.inspected), options.out / "steps.jpg")


def smaller(path: Path, width: int) -> Image.Image:
    """A picture, at most so many pixels wide."""
    with Image.open(path) as image:
        found = image.convert("RGB")
    found.thumbnail((width, found.height), Image.Resampling.LANCZOS)
    return found


def sheet(inspected: Path) -> Image.Image:
    """One row for each of STEPS, one column for each of COLUMNS, and a line under each picture."""
    numbers = json.loads((inspected / "inspect.json").read_bytes())["steps"]
    rows = [
        [
            (f"step {step}, {label(numbers[step], key)}", inspected / f"{key}_{step:02}.png")
            for key in COLUMNS
        ]
        for step in STEPS
    ]
    height = smaller(rows[0][0][1], SHOWN).height
    size = SHOWN + _MARGIN, height + _LINE + _MARGIN
    found = Image.new("RGB", (size[0] * len(COLUMNS) + _MARGIN, size[1] * len(rows)), "white")
    draw, font = ImageDraw.Draw(found), ImageFont.load_default(12)
    for i, row in enumerate(rows):
        for j, (text, path) in enumerate(row):
            left, top = _MARGIN + j * size[0], _MARGIN + i * size[1]
            found.paste(smaller(path, SHOWN), (left, top))
            draw.text((left, top + height + 1), text, "black", font)
    return found


def label(step: dict[str, Any], key: str) -> str:
    """What there is to tell of a picture: what it has cost, or how close it is to the last one."""
    if key == "known":
        return f"{COLUMNS[key]}: {step['bits'] / 8:,.0f} bytes"
    psnr = step[f"{key}_psnr"]
    return f"{COLUMNS[key]}" + ("" if psnr is None else f": {psnr:.1f} dB")


def save(image: Image.Image, path: Path) -> None:
    """As a JPEG file."""
    image.save(path, quality=QUALITY, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
