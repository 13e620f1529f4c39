"""Rate and distortion of m2t over a folder of images, Kodak's or any other.

Every number comes from a file: `m2t compress` writes it, `m2t decompress` reads it in another
process, and the decoded PNG is compared with the original.

    python -m m2t.eval.kodak IMAGES --qualities 13 32 51 70 87 --out results/kodak_light.json
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from ..container import parse, parse_header
from ..errors import ConfigError
from ..image import open_image, save_image
from ..zoo import DEFAULT
from .bdrate import Method, bd_rate
from .command import run_m2t
from .metrics import bpp, image_paths, load_rgb, psnr
from .results import (
    Curve,
    Point,
    Row,
    command_line,
    load_anchors,
    mean_points,
    save_result,
    versions,
)

QUALITIES = (13, 32, 51, 70, 87)  # on Kodak, about 0.1 to 1.2 bpp
Convert = Callable[[Sequence[Path], int, Path], None]
"""Makes NAME.m2t and NAME.png in a folder, from images and a quality."""


@dataclass(frozen=True)
class CodecRow(Row):
    """What is known of an .m2t file besides."""

    coded_bits: int
    """Size of the entropy coded windows: the file without its container."""
    num_windows: int
    estimated_bits: float | None
    """What the model itself expects of the windows."""

    def estimate_holds(self) -> bool:
        """Whether the coder spends what the model promised, to 0.5 % and 10 bytes a window."""
        if self.estimated_bits is None:
            return True
        tolerance = 0.005 * self.estimated_bits + 8 * 10 * self.num_windows
        return abs(self.coded_bits - self.estimated_bits) <= tolerance


def by_command(model: str | None, paths: Sequence[Path], quality: int, folder: Path) -> None:
    """Convert with two runs of the real command, start-up paid once for all images."""
    options = ["--model", model] if model else []
    made = run_m2t("compress", *paths, "--out-dir", folder, "-q", quality, *options)
    run_m2t("decompress", *(item["output"] for item in made), "--out-dir", folder)


def in_process(codec: Any, paths: Sequence[Path], quality: int, folder: Path) -> None:
    """Convert with a codec at hand: for quick looks, and for weights that are not shipped."""
    for path in paths:
        encoded = folder / f"{path.stem}.m2t"
        encoded.write_bytes(codec.compress(open_image(path), quality))
        with encoded.with_suffix(".png").open("wb") as file:
            save_image(codec.decompress(encoded.read_bytes()), file, ".png")


def measure(path: Path, quality: int, folder: Path, estimated_bits: float | None) -> CodecRow:
    """Size and PSNR of what `Convert` made of one image."""
    original = load_rgb(path)
    encoded = (folder / f"{path.stem}.m2t").read_bytes()
    windows = parse(encoded).windows
    return CodecRow(
        image=path.name,
        param=f"quality {quality}",
        num_bytes=len(encoded),
        bpp=round(bpp(len(encoded), original.shape[1], original.shape[0]), 6),
        psnr=round(psnr(original, load_rgb(folder / f"{path.stem}.png")), 4),
        coded_bits=8 * sum(map(len, windows)),
        num_windows=len(windows),
        estimated_bits=None if estimated_bits is None else round(estimated_bits, 1),
    )


def evaluate(
    paths: Sequence[Path], qualities: Sequence[int], convert: Convert, estimator: Any = None
) -> tuple[list[CodecRow], str]:
    """Rows of all images and qualities, and the id of the model that made the files.

    `estimator` is the codec to ask for estimated sizes, or None.
    """
    rows: list[CodecRow] = []
    ids: set[str] = set()
    for quality in tqdm(qualities, disable=None):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            convert(paths, quality, folder)
            files = folder.glob("*.m2t")
            ids |= {parse_header(file.read_bytes()).model_id.hex() for file in files}
            for path in paths:
                bits = estimator.estimate(open_image(path), quality) if estimator else None
                rows.append(measure(path, quality, folder, bits))
    if len(ids) != 1:
        raise ConfigError(f"the files name {len(ids)} models")
    return rows, ids.pop()


def bd_rates(points: Sequence[Point], anchors: Mapping[str, Curve]) -> list[dict[str, Any]]:
    """BD-rates by every method, against the anchors that have a range of PSNR in common."""
    found = []
    for name, anchor in anchors.items():
        for method in get_args(Method):
            try:
                result = bd_rate(anchor.points, points, method)
            except ConfigError:
                continue
            found.append({"anchor": name, "codec": anchor.codec, **asdict(result)})
    return found


def main() -> None:
    """Measure rate and distortion of m2t over a folder of images."""
    parser = argparse.ArgumentParser(prog="python -m m2t.eval.kodak", description=main.__doc__)
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("--model", help="weights by name or path (default: those of the package)")
    parser.add_argument("--qualities", type=int, nargs="+", default=QUALITIES)
    parser.add_argument("--dataset", help="its name in the results (default: that of the folder)")
    parser.add_argument("--anchors", type=Path, default=Path("results/anchors"))
    parser.add_argument("--limit", type=int, help="only that many images")
    parser.add_argument("--estimate", action="store_true", help="also what the model expects")
    parser.add_argument("--in-process", action="store_true", help="no processes of their own")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()

    codec = None
    if args.in_process or args.estimate:
        from ..codec import Codec  # noqa: PLC0415 - torch is not needed otherwise

        codec = Codec.load(args.model)
    convert = partial(in_process, codec) if args.in_process else partial(by_command, args.model)
    paths = image_paths(args.images)[: args.limit]
    estimator = codec if args.estimate else None
    rows, model_id = evaluate(paths, args.qualities, convert, estimator)

    how = "in one process" if args.in_process else "through the m2t command"
    curve = Curve(
        codec=f"m2t {Path(args.model).stem if args.model else DEFAULT}",
        dataset=args.dataset or args.images.resolve().name,
        source=f"measured {how}, {len(paths)} images",
        points=mean_points(rows),
    )
    # Means over a part of the images are not to be compared with those over all.
    anchors = {} if args.limit else load_anchors(args.anchors, curve.dataset)
    save_result(
        args.out,
        curve,
        rows,
        bd_rates=bd_rates(curve.points, anchors),
        model_id=model_id,
        versions=versions(),
        command=command_line("m2t.eval.kodak", args.images),
    )
    off = [f"{row.image} at {row.param}" for row in rows if not row.estimate_holds()]
    if off:
        sys.exit(f"files whose size is not as estimated: {', '.join(off)}")


if __name__ == "__main__":
    main()
