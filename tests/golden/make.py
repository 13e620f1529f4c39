"""Makes golden files: small ones of every kind, which every later version has to decode.

    python -m tests.golden.make [NAME ...] [--force]

A case is NAME.m2t, the image that it decodes to in NAME.png, and a line in golden.json. Its model
is made where it is missing and kept from then on: another machine would compute slightly other
weights, and the files of a model need the very ones.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageCms

import m2t
from m2t.checksums import latents_crc, latents_sha256
from m2t.codec import Codec
from m2t.config import Aim, ModelConfig, RateConfig, TransformConfig, Tune
from m2t.container import Bitstream, Strip, parse
from m2t.eval.results import write_record
from m2t.geometry.windows import Latents
from m2t.image import save_image
from m2t.learn.export import export
from m2t.learn.files import save_model
from m2t.presets import paper, tiny
from m2t.rans import Encoder

from ..conftest import TINY, photograph, vary
from ..learn.conftest import seeded_model

FOLDER = Path(__file__).parent
RECORD = FOLDER / "golden.json"
LAPPED = TransformConfig(kind="lapped", latent_channels=4, width=8, blocks=1, render_width=8)
INTEGERS = dataclasses.replace(LAPPED, fine_blocks=1, linear_analysis=True)
ELIC = TransformConfig(kind="elic", latent_channels=10, width=8, blocks=1)


def configs() -> dict[str, ModelConfig]:
    """The models, by name."""
    masked = dataclasses.replace(
        tiny(),
        name="m2t",
        transform=LAPPED,
        entropy=dataclasses.replace(tiny().entropy, slices=(1, 1, 2)),
        rate=RateConfig(),
    )
    schedule = dataclasses.replace(masked.schedule, order="entropy")
    return {
        "m2t": masked,
        "tunes": dataclasses.replace(masked, name="tunes", rate=tiny().rate),
        "integers": dataclasses.replace(
            masked, name="integers", transform=INTEGERS, rate=tiny().rate
        ),
        "mt": dataclasses.replace(vary(masked, masking="mt"), name="mt", schedule=schedule),
        "paper": dataclasses.replace(
            vary(paper(), width=32, layers=1, heads=2, mlp_width=48, window=5), transform=ELIC
        ),
    }


@cache
def codec(name: str) -> Codec:
    """The codec of a model, which is made if it is missing."""
    path = FOLDER / f"{name}.safetensors"
    if not path.exists():
        make_weights(path, configs()[name])
    return m2t.load(path)


def make_weights(path: Path, config: ModelConfig) -> None:
    """An untrained model, exported."""
    model = seeded_model(config)
    pixels = torch.from_numpy(np.array(photograph(200, 200))).permute(2, 0, 1).float() / 255
    patches = pixels.unfold(1, 16, 4).unfold(2, 16, 4).reshape(3, -1, 16, 16).transpose(0, 1)
    model.initialise(patches)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(3):
            photograph(96, 96, seed=i).save(Path(folder, f"{i}.png"))
        trained = Path(folder, "float.safetensors")
        save_model(trained, model.config, model.state_dict())
        export(trained, path, Path(folder))


def as_it_is(codec: Codec, stream: Bitstream) -> None:
    """Leave a file as it was written."""


def with_strips(codec: Codec, stream: Bitstream) -> None:
    """A strip for each window, and a chunk that this version does not know."""
    y_hat = codec.decode_latents(stream)
    windows = zip(stream.windows, codec.windows(y_hat.shape[:2]), strict=True)
    stream.strips = [Strip([data], latents_crc(y_hat, [window])) for data, window in windows]
    stream.metadata["z"] = b"of a later version"


def with_escapes(codec: Codec, stream: Bitstream) -> None:
    """Symbols that no mixture expects, up to the ends of their range."""
    y_hat = codec.decode_latents(stream)
    y_hat[0, :, 0] = np.resize([3000, -3000, 10**6, -(10**6), 2**24, -(2**24)], y_hat.shape[1])
    stream.strips = [coded(codec, y_hat, stream.header.aim)]


def coded(codec: Codec, y_hat: Latents, aim: Aim) -> Strip:
    """Any tokens as a strip."""
    size = y_hat.shape[:2]
    streams = codec.code(size, aim, lambda _: Encoder(), y_hat).results
    return Strip(streams, latents_crc(y_hat, codec.windows(size)))


class Case(NamedTuple):
    """What a file is made of."""

    model: str
    image: Image.Image
    quality: int
    change: Callable[[Codec, Bitstream], None] = as_it_is
    tune: Tune = "psnr"
    layers: int = 1


def cases() -> dict[str, Case]:
    """All files, by name."""
    alpha, described = photograph(50, 40), photograph(30, 20)
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    exif = Image.Exif()
    exif[0x010F] = "maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    described.info |= {"icc_profile": profile.tobytes(), "exif": exif.tobytes(), "xmp": xmp}
    large = photograph(130, 110, seed=1)
    return {
        "rgb": Case("m2t", photograph(64, 48), 50),
        "grey": Case("m2t", photograph(40, 50).convert("L"), 60),
        "alpha": Case("m2t", alpha, 40),
        "grey_alpha": Case("m2t", alpha.convert("LA"), 1),
        "metadata": Case("m2t", described, 70),
        "pixel": Case("m2t", photograph(1, 1), 100),
        "windows": Case("m2t", large, 80),
        "strips": Case("m2t", large, 30, with_strips),
        "escapes": Case("m2t", photograph(100, 16), 50, with_escapes),
        "tune_psnr": Case("tunes", photograph(64, 48), 60),
        "tune_eye": Case("tunes", photograph(64, 48), 60, tune="eye"),
        "tune_eye_grey": Case("tunes", large.convert("L"), 25, tune="eye"),
        "integers_psnr": Case("integers", photograph(64, 48), 60),
        "integers_eye": Case("integers", large, 40, tune="eye"),
        "integers_escapes": Case("integers", photograph(100, 16), 50, with_escapes, "eye"),
        "layers": Case("integers", large, 50, tune="eye", layers=4),
        "layers_grey_alpha": Case("integers", alpha.convert("LA"), 70, layers=2),
        "layers_pixel": Case("integers", photograph(1, 1), 50, layers=5),
        "layers_mt": Case("mt", large, 60, layers=3),
        "mt": Case("mt", large, 60),
        "mt_pixel": Case("mt", photograph(1, 1), 50),
        "paper": Case("paper", large, 90),
        "paper_grey": Case("paper", photograph(17, 31).convert("L"), 20),
    }


def make(name: str, case: Case) -> dict[str, str]:
    """Write a case's files; returns its line of golden.json."""
    this = codec(case.model)
    coded = this.compress(case.image, case.quality, tune=case.tune, layers=case.layers)
    stream = parse(coded)
    case.change(this, stream)
    data = stream.pack()
    (FOLDER / f"{name}.m2t").write_bytes(data)
    save_image(this.decompress(data), FOLDER / f"{name}.png")
    found = {"model": case.model, "latents_sha256": latents_sha256(this.decode_latents(stream))}
    if case.layers > 1:
        first = this.decode_latents(parse(data, upto=1))
        found["first_layer_sha256"] = latents_sha256(first)
    return found


def main() -> None:
    """Make golden files."""
    known = cases()
    parser = argparse.ArgumentParser(prog="python -m tests.golden.make", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    parser.add_argument("--force", action="store_true", help="replace what exists")
    args = parser.parse_args()
    if not TINY.exists():
        make_weights(TINY, tiny())
    names = args.names or list(known)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    there = [name for name in names if name in record or (FOLDER / f"{name}.m2t").exists()]
    if there and not args.force:
        sys.exit(f"exist, and are meant to stay: {', '.join(there)} (--force replaces them)")
    write_record(RECORD, **(record | {name: make(name, known[name]) for name in names}))


if __name__ == "__main__":
    main()
