"""What integers cost, over the float model that they were exported from: in rate and in PSNR.

    python -m research.determinism.integer_cost IMAGES --floats RUN/model.safetensors --out FILE

Both predict and paint the very same tokens. The float model's bits are those of training: one
masked pass, the exact density; the integer model's are those that its coder takes, escapes and all.
Floats paint in float32.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
from tqdm import tqdm

from m2t.codec import Codec
from m2t.config import STRIDE, Aim
from m2t.eval.metrics import image_paths, psnr
from m2t.eval.ours import QUALITIES
from m2t.eval.results import versions, write_record
from m2t.geometry.windows import Latents
from m2t.image import open_image, to_picture
from m2t.learn.load import load_model
from m2t.learn.networks.model import Model
from m2t.protocols import Pixels
from m2t.rans import Counter

from ..command_line import command_line


@torch.inference_mode()
def float_bits(model: Model, y_hat: Latents, asked: tuple[float, float]) -> float:
    """Bits of tokens (h, w, C) by the float model, at what is asked for (RateConfig.t)."""
    tokens = torch.from_numpy(y_hat).float().permute(2, 0, 1)[None]
    t = torch.tensor([asked])
    return float(model.rate(tokens, tokens, t))


@torch.inference_mode()
def float_pixels(model: Model, y_hat: Latents, asked: tuple[float, float]) -> Pixels:
    """What the float model paints of tokens (h, w, C), in float32: (16 h, 16 w, 3)."""
    tokens = torch.from_numpy(y_hat).float().permute(2, 0, 1)[None]
    x_hat = model.synthesise(tokens, torch.tensor([asked]))[0]
    return (x_hat.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


class Cost(NamedTuple):
    """One image at one aim, by both models, from the same tokens."""

    integer_bpp: float
    float_bpp: float
    lost_db: float
    """PSNR that the integer synthesis loses."""


def measure(codec: Codec, model: Model, path: Path, aim: Aim) -> Cost:
    """What integers cost one image."""
    picture = to_picture(open_image(path))
    y_hat = codec.analyse(picture, aim)
    integer = sum(codec.code(y_hat.shape[:2], aim, lambda _: Counter(), y_hat).results)
    pixels = y_hat.shape[0] * y_hat.shape[1] * STRIDE**2
    asked = codec.config.rate.t(aim)  # export may have turned the dial
    height, width, _ = picture.rgb.shape
    ours = codec.synthesise(y_hat, height, width, aim)
    theirs = float_pixels(model, y_hat, asked)[:height, :width]
    lost = psnr(picture.rgb, theirs) - psnr(picture.rgb, ours)
    return Cost(integer / pixels, float_bits(model, y_hat, asked) / pixels, lost)


def main() -> None:
    """Compare the rates of the shipped integer model and of the float model it was made from."""
    parser = argparse.ArgumentParser(
        prog="python -m research.determinism.integer_cost", description=main.__doc__
    )
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("--floats", type=Path, required=True, help="the float model's weights")
    parser.add_argument("--model", help="the integer model (default: the shipped one)")
    parser.add_argument("--qualities", type=int, nargs="+", default=QUALITIES)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    codec, model = Codec.load(args.model), load_model(args.floats)
    paths, rows = image_paths(args.images), []
    tunes = codec.config.rate.tunes
    aims = [Aim(quality, tune) for tune in tunes for quality in args.qualities]
    for aim in tqdm(aims, disable=None):
        costs = [measure(codec, model, path, aim) for path in paths]
        integer, floating, lost = (sum(values) / len(costs) for values in zip(*costs, strict=True))
        percents = [100 * (cost.integer_bpp / cost.float_bpp - 1) for cost in costs]
        rows.append(
            {
                **aim._asdict(),
                "float_bpp": round(floating, 6),
                "integer_bpp": round(integer, 6),
                "percent": round(100 * (integer / floating - 1), 4),
                "worst_image_percent": round(max(percents), 4),
                "lost_db": round(lost, 4),
                "worst_image_lost_db": round(max(cost.lost_db for cost in costs), 4),
            }
        )
    write_record(
        args.out,
        dataset=args.images.resolve().name,
        model_id=codec.identity.hex(),
        rows=rows,
        versions=versions(),
        command=command_line("research.determinism.integer_cost", args.images),
    )


if __name__ == "__main__":
    main()
