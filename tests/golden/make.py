"""Makes golden files: small ones of every kind, which every later version has to decode.

    python -m tests.golden.make [NAME ...] [--force]

A case (cases.py) is NAME.m2t, the image that it decodes to in NAME.png, and a line in golden.json
with the hashes that `m2t info --verify` prints: that of its pixels where all decoders give the same
ones. A model is made where it is missing and kept from then on: another machine would compute
slightly other weights, and the files of a model need the very ones.
"""

import argparse
import json
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch

import m2t
from m2t.checksums import latents_sha256, pixels_sha256
from m2t.codec import Codec
from m2t.config import ModelConfig
from m2t.container import parse
from m2t.eval.results import write_record
from m2t.image import save_image
from m2t.learn.export import export
from m2t.learn.files import save_model
from m2t.lossless import pixels_of
from m2t.presets import tiny

from ..conftest import TINY, photograph
from ..learn.conftest import seeded_model
from .cases import Case, cases, configs

FOLDER = Path(__file__).parent
RECORD = FOLDER / "golden.json"


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


def make(name: str, case: Case) -> dict[str, str]:
    """Write a case's files; returns its line of golden.json."""
    this = codec(case.model)
    how = {"tune": case.tune, "layers": case.layers, "lossless": case.lossless}
    coded = this.compress(case.image, case.quality, **how)
    stream = parse(coded)
    case.change(this, stream)
    data = stream.pack()
    (FOLDER / f"{name}.m2t").write_bytes(data)
    save_image(this.decompress(data), FOLDER / f"{name}.png")
    return described(case.model, data)


def described(model: str, data: bytes) -> dict[str, str]:
    """What golden.json says of a file."""
    this, stream = codec(model), parse(data)
    if stream.header.lossless:
        hidden = stream.alpha is not None  # under it, colours are a reader's choice
        return {"model": model} | (
            {} if hidden else {"pixels_sha256": pixels_sha256(pixels_of(stream))}
        )
    header, y_hat = stream.header, this.decode_latents(stream)
    found = {"model": model, "latents_sha256": latents_sha256(y_hat)}
    if this.transforms.exact:
        rgb = this.synthesise(y_hat, header.height, header.width, header.aim)
        found["pixels_sha256"] = pixels_sha256(rgb)
    if stream.layers:
        found["first_layer_sha256"] = latents_sha256(this.decode_latents(parse(data, upto=1)))
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
