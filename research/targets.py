"""How near files come to their targets: sizes and fidelities, and what whole qualities would give.

python -m research.targets KODAK --results results/targets.json
"""

import argparse
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from m2t import Target
from m2t.aiming import psnr
from m2t.codec import Codec
from m2t.container import parse_header
from m2t.engine.score import ssimulacra2
from m2t.eval.metrics import image_paths
from m2t.image import open_image, to_picture

from .command_line import command_line

TARGETS = (
    *(Target("bpp", 0.3), Target("psnr", 31), Target("ssimulacra2", 60)),
    *(Target("bpp", value) for value in (0.1, 0.6, 0.9)),
)
"""What is asked for."""


class CountingCodec(Codec):
    """Counts the passes of the entropy network."""

    def __init__(self, codec: Codec) -> None:
        super().__init__(codec.transforms, codec.network, codec.identity, codec.num_threads)
        self.passes = 0

    def code(self, *args, **options):
        """See Codec."""
        self.passes += 1
        return super().code(*args, **options)


def measured(codec: Codec, path: Path, target: Target) -> dict[str, object] | None:
    """What became of a target on a picture; None where the dial ends before it."""
    counting = CountingCodec(codec)
    picture = to_picture(open_image(path))
    try:
        data = counting.compress(open_image(path), target)
    except ValueError:  # ConfigError: not to be had
        return None
    aim = parse_header(data).aim
    if target.kind == "bpp":
        limit = target.num_bytes(picture.rgb.size // 3)
        if aim.quality == 100 and len(data) < 0.98 * limit:
            return None
        # A dead zone makes files of a quality smaller: without one, that below fits.
        whole = len(codec.compress(open_image(path), max(aim.quality - 1, 1)))
        miss = 1 - len(data) / limit
        by_whole = 1 - whole / limit if whole <= limit else math.nan
    else:
        measure = psnr if target.kind == "psnr" else ssimulacra2
        miss = measure(picture.rgb, np.asarray(codec.decompress(data))) - target.value
        by_whole = math.nan
        if aim.quality == 1 and miss > 1:
            return None
    return {"image": path.name, "miss": miss, "by_whole": by_whole, "passes": counting.passes}


def summary(target: Target, rows: Sequence[dict]) -> dict[str, object]:
    """Means and extremes over pictures."""
    found: dict[str, object] = {"target": target.kind, "value": target.value, "images": len(rows)}
    for name in ("miss", "by_whole", "passes"):
        values = [row[name] for row in rows if not math.isnan(row[name])]
        if values:
            found |= {
                f"mean_{name}": round(statistics.fmean(values), 4),
                f"least_{name}": round(min(values), 4),
                f"most_{name}": round(max(values), 4),
            }
    return found


def main() -> None:
    """Measure all targets on a folder of images."""
    parser = argparse.ArgumentParser(prog="python -m research.targets", description=main.__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    args = parser.parse_args()
    codec = Codec.load()
    found = []
    for target in TARGETS:
        rows = [measured(codec, path, target) for path in image_paths(args.images)]
        found.append(summary(target, [row for row in rows if row]))
        print(found[-1], flush=True)
        command = command_line("research.targets", args.images)
        args.results.write_text(json.dumps({"command": command, "targets": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
