"""Lossless files: bytes of pages, screens, drawings and photographs, with and without the choice.

python -m research.lossless KODAK --results results/lossless.json --plot results/lossless.svg
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from m2t.codec import Codec
from m2t.container import parse_header
from m2t.eval.metrics import image_paths, load_rgb
from m2t.eval.plot import STYLE, save_figure
from m2t.learn.training.drawn import charts, drawings, interfaces, pages
from m2t.lossless import is_worth_a_try

from .command_line import command_line
from .pictures import page

PAINTERS = (
    *(pages.prose, pages.code, pages.receipt),
    *(interfaces.window, interfaces.table, interfaces.terminal),
    *(charts.lines, charts.flow, drawings.line_art, drawings.cartoon),
)
"""Of drawn pictures, each painted once."""
SIZE = (512, 512)
QUALITIES = (20, 50, 80)


def pictures(kodak: Path, num_photographs: int | None) -> Iterator[tuple[str, str, Image.Image]]:
    """Kind, name and picture: a page of text, drawn ones, photographs."""
    yield "drawn", "page", page()
    ground = Image.new("RGB", SIZE, (120, 140, 160))
    for painter in PAINTERS:
        yield "drawn", painter.__name__, painter(np.random.default_rng(3), SIZE, ground)
    for path in image_paths(kodak)[:num_photographs]:
        yield "photograph", path.stem, Image.fromarray(load_rgb(path))


def measured(codec: Codec, image: Image.Image) -> dict[str, Any]:
    """Bytes of each choice, and processor seconds to compress and to decide."""
    rgb = np.asarray(image.convert("RGB"))
    found: dict[str, Any] = {"always": len(codec.compress(rgb, lossless="always"))}
    for quality in QUALITIES:
        coded, seconds = timed(lambda q=quality: codec.compress(rgb, q, lossless="never"))
        chosen, seconds_auto = timed(lambda q=quality: codec.compress(rgb, q))
        worth, sampling = timed(lambda data=coded: is_worth_a_try(rgb, len(data)))
        found[f"quality {quality}"] = {
            "never": len(coded),
            "auto": len(chosen),
            "lossless": parse_header(chosen).lossless,
            "tried": worth,
            "never_seconds": round(seconds, 4),
            "auto_seconds": round(seconds_auto, 4),
            "sample_seconds": round(sampling, 4),
        }
    return found


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """What an action gives, and its seconds of this process's processor."""
    start = time.process_time()
    result = action()
    return result, time.process_time() - start


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over each kind of picture, at each quality."""
    found: dict[str, Any] = {}
    for kind in ("drawn", "photograph"):
        some = [row for row in rows if row["kind"] == kind]
        for key in (f"quality {quality}" for quality in QUALITIES):
            cases = [row[key] for row in some]
            names = ("never", "auto", "never_seconds", "sample_seconds")
            found[f"{kind}, {key}"] = {
                "pictures": len(some),
                "always": sum(row["always"] for row in some),
                **{name: round(sum(case[name] for case in cases), 3) for name in names},
                "lossless": sum(case["lossless"] for case in cases),
                "tried_in_vain": sum(case["tried"] and not case["lossless"] for case in cases),
                "missed": sum(
                    row["always"] < case["never"] and not case["lossless"]
                    for row, case in zip(some, cases, strict=True)
                ),
            }
    return found


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Bars of bytes at quality 50, of drawn pictures and of the first photographs."""
    drawn = [row for row in rows if row["kind"] == "drawn"]
    shown = drawn + [row for row in rows if row["kind"] == "photograph"][:4]
    choices = {
        "never": [row["quality 50"]["never"] for row in shown],
        "auto": [row["quality 50"]["auto"] for row in shown],
        "always": [row["always"] for row in shown],
    }
    with mpl.rc_context(STYLE):
        figure = Figure((8, 3.6), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(shown))
        for i, (name, sizes) in enumerate(choices.items()):
            axes.bar(places + 0.27 * (i - 1), np.array(sizes) / 1000, 0.25, label=name)
        axes.set_xticks(places, [row["name"] for row in shown], rotation=35, ha="right")
        axes.set(yscale="log", ylabel="kB at quality 50")
        axes.legend(title="--lossless")
    save_figure(figure, path)


def main() -> None:
    """Measure all pictures and draw the figure."""
    parser = argparse.ArgumentParser(prog="python -m research.lossless", description=main.__doc__)
    parser.add_argument("kodak", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--plot", type=Path, required=True)
    parser.add_argument("--images", type=int, help="Photographs.  [default: all]")
    args = parser.parse_args()
    codec = Codec.load(num_threads=1)
    codec.compress(page())  # once, for all that is made at first use
    rows: list[dict[str, Any]] = []
    for kind, name, image in pictures(args.kodak, args.images):
        rows.append({"kind": kind, "name": name, **measured(codec, image)})
        print(rows[-1], flush=True)
    found = {"command": command_line("research.lossless", args.kodak), "summary": summary(rows)}
    args.results.write_text(json.dumps({**found, "pictures": rows}, indent=1) + "\n")
    plot(rows, args.plot)


if __name__ == "__main__":
    main()
