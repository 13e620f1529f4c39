"""What the integer entropy model costs in rate over the float model that it was exported from.

    python -m research.determinism.integer_cost IMAGES --floats RUN/model.safetensors --out FILE

Both predict the very same tokens. The float model's bits are those of training: one masked pass,
the exact density; the integer model's are those that its coder takes, escapes and all.
"""

import argparse
from pathlib import Path

import torch
from tqdm import tqdm

from m2t.codec import Codec
from m2t.config import STRIDE, Aim
from m2t.eval.metrics import image_paths
from m2t.eval.ours import QUALITIES
from m2t.eval.results import versions, write_record
from m2t.geometry.windows import Latents
from m2t.image import open_image, to_picture
from m2t.learn.load import load_model
from m2t.learn.networks.model import Model
from m2t.rans import Counter

from ..command_line import command_line


@torch.inference_mode()
def float_bits(model: Model, y_hat: Latents, asked: tuple[float, float]) -> float:
    """Bits of tokens (h, w, C) by the float model, at what is asked for (RateConfig.t)."""
    tokens = torch.from_numpy(y_hat).float().permute(2, 0, 1)[None]
    t = torch.tensor([asked])
    return float(model.rate(tokens, tokens, t))


def measure(codec: Codec, model: Model, path: Path, aim: Aim) -> tuple[float, float]:
    """Bits per pixel of one image: by the integer model, by the float model."""
    y_hat = codec.analyse(to_picture(open_image(path)), aim)
    integer = sum(codec.code(y_hat.shape[:2], aim, lambda _: Counter(), y_hat).results)
    pixels = y_hat.shape[0] * y_hat.shape[1] * STRIDE**2
    asked = codec.config.rate.t(aim)  # export may have turned the dial
    return integer / pixels, float_bits(model, y_hat, asked) / pixels


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
        rates = [measure(codec, model, path, aim) for path in paths]
        integer, floating = (sum(rate[i] for rate in rates) / len(rates) for i in range(2))
        percents = [100 * (rate[0] / rate[1] - 1) for rate in rates]
        rows.append(
            {
                **aim._asdict(),
                "float_bpp": round(floating, 6),
                "integer_bpp": round(integer, 6),
                "percent": round(100 * (integer / floating - 1), 4),
                "worst_image_percent": round(max(percents), 4),
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
