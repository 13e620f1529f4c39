"""Memory and seconds of pictures of 100 megapixels, in whole processes.

    python -m research.speed.large FOLDER --out results/large.json

The pictures are made of the PNG files of FOLDER, side by side. Seconds are those of all processors
together: other processes hardly matter.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from m2t.eval.results import versions, write_record

from ..command_line import command_line

SIZES = ((10_000, 10_000), (50_000, 2_000))
THREADS = 2
"""What is held at a time grows with them."""
MEASURED = """
import json, resource, sys
from m2t.cli import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = round(used.ru_utime + used.ru_stime, 1)
print(json.dumps({"seconds": seconds, "peak_bytes": 1024 * used.ru_maxrss}))
sys.exit(code)
"""
"""A command line as `m2t` runs it, and then what it took."""


def main() -> None:
    """Compress and decompress large pictures, and tell what that takes."""
    parser = argparse.ArgumentParser(prog="python -m research.speed.large", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    rows = [row for size in SIZES for row in measure(args.folder, *size)]
    write_record(
        args.out,
        rows=rows,
        versions=versions(),
        command=command_line("research.speed.large", args.folder),
    )


def measure(folder: Path, width: int, height: int) -> list[dict[str, Any]]:
    """Rows: what each command takes with a picture of this size."""
    with tempfile.TemporaryDirectory() as name:
        source, encoded, decoded = (Path(name, file) for file in ("a.png", "a.m2t", "b.png"))
        mosaic(sorted(folder.glob("*.png")), width, height).save(source, compress_level=1)
        commands = {
            "compress": [source, encoded],
            "decompress": [encoded, decoded],
            "decompress --scale 1/8": ["-f", "--scale", "1/8", encoded, decoded],
            "compress --target-bpp 0.5": ["-f", "--target-bpp", "0.5", source, encoded],
            "compress --target-psnr 31": ["-f", "--target-psnr", "31", source, encoded],
        }
        return [
            {"command": command, "width": width, "height": height}
            | taken([command.split()[0], "--threads", THREADS, *options])
            for command, options in commands.items()
        ]


def mosaic(paths: Sequence[Path], width: int, height: int) -> Image.Image:
    """Pictures side by side, again and again, until the area is full."""
    image, pictures = Image.new("RGB", (width, height)), itertools.cycle(paths)
    column = row = 0
    while row < height:
        with Image.open(next(pictures)) as picture:
            part = picture.resize((768, 512))
        image.paste(part, (column, row))
        column += part.width
        if column >= width:
            column, row = 0, row + part.height
    return image


def taken(args: Sequence[object]) -> dict[str, Any]:
    """What `m2t ARGS` took, from a cold start."""
    command = [sys.executable, "-c", MEASURED, *map(str, args)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
