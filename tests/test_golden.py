"""Golden files (golden/make.py) decode for ever, to the same tokens and pixels."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m2t.checksums import latents_sha256, pixels_sha256
from m2t.codec import Codec
from m2t.container import parse
from m2t.engine.native import levels
from m2t.lossless import pixels_of
from m2t.predict.native import NativeOperations
from m2t.predict.operations import Operations
from m2t.predict.reference import ReferenceOperations
from m2t.weights import read_weights

FOLDER = Path(__file__).parent / "golden"
RECORD: dict[str, dict[str, str]] = json.loads((FOLDER / "golden.json").read_text())
EXACT = [name for name, case in RECORD.items() if "pixels_sha256" in case]
"""Files of models that are all integers. Other ones need PyTorch: learn/test_golden.py."""
MAX_BYTES = 1_000_000
"""Of the golden files, their models and hashes, together: whoever ports m2t copies them."""
CODED = [name for name, case in RECORD.items() if "latents_sha256" in case]
"""Files that are not lossless, and so have tokens."""
TOLERANCE = 2
"""Levels, where the synthesis computes in floating point, in 16 bits where that is fast."""
OPERATIONS: dict[str, Operations] = {
    ops.name: ops for ops in (*map(NativeOperations, range(len(levels()))), ReferenceOperations())
}


@cache
def codec(model: str, operations: str | None = None) -> Codec:
    weights = read_weights(FOLDER / f"{model}.safetensors")
    return Codec.of(weights, ops=None if operations is None else OPERATIONS[operations])


def read(name: str) -> bytes:
    return (FOLDER / f"{name}.m2t").read_bytes()


@pytest.mark.parametrize("operations", OPERATIONS)
@pytest.mark.parametrize("name", [name for name in EXACT if name in CODED])
def test_tokens(name: str, operations: str) -> None:
    y_hat = codec(RECORD[name]["model"], operations).decode_latents(parse(read(name)))
    assert latents_sha256(y_hat) == RECORD[name]["latents_sha256"]


@pytest.mark.parametrize("operations", OPERATIONS)
@pytest.mark.parametrize("name", [name for name in EXACT if "first_layer_sha256" in RECORD[name]])
def test_tokens_of_the_first_layer_and_those_expected(name: str, operations: str) -> None:
    y_hat = codec(RECORD[name]["model"], operations).decode_latents(parse(read(name), upto=1))
    assert latents_sha256(y_hat) == RECORD[name]["first_layer_sha256"]


def told(image: Image.Image, key: str) -> bytes | None:
    """Metadata as Pillow tells them: of PNG files, old versions have XMP as a text."""
    text = image.info.get("XML:com.adobe.xmp") if key == "xmp" else None
    return image.info.get(key, text.encode() if text else None)


def assert_same_image(codec: Codec, name: str) -> None:
    image = codec.decompress(read(name))
    expected = Image.open(FOLDER / f"{name}.png")
    expected.load()
    assert (image.mode, image.size) == (expected.mode, expected.size)
    for key in ("icc_profile", "exif", "xmp"):  # what PNG files hold as it is
        assert image.info.get(key) == told(expected, key)
    before, after = np.asarray(expected).astype(int), np.asarray(image).astype(int)
    tolerance = 0 if codec.transforms.exact else TOLERANCE
    assert np.abs(before - after).max() <= tolerance
    if image.mode.endswith("A"):
        assert np.array_equal(before[..., -1], after[..., -1]), "alpha is lossless"


@pytest.mark.parametrize("name", EXACT)
def test_image(name: str) -> None:
    assert_same_image(codec(RECORD[name]["model"]), name)


@pytest.mark.parametrize("name", EXACT)
def test_pixels(name: str) -> None:
    this, stream = codec(RECORD[name]["model"]), parse(read(name))
    header = stream.header
    if header.lossless:
        rgb = pixels_of(stream)
    else:
        y_hat = this.decode_latents(stream)
        rgb = this.synthesise(y_hat, header.height, header.width, header.aim)
    assert pixels_sha256(rgb) == RECORD[name]["pixels_sha256"]


@pytest.mark.parametrize("name", ["metadata_all", "layers_metadata_all"])
def test_metadata(name: str) -> None:
    info = codec(RECORD[name]["model"]).decompress(read(name)).info
    assert info["dpi"] == (300.0, 299.5)
    assert info["comment"] == b"a comment"
    assert info["photoshop"] == {0x0404: b"\x1c\x02\x78\x00\x04text"}
    assert info["texts"] == {"Title": "Möwen", "Author": ""}


def test_the_set_is_small() -> None:
    paths = [path for kind in ("m2t", "safetensors", "json") for path in FOLDER.glob(f"*.{kind}")]
    assert sum(path.stat().st_size for path in paths) < MAX_BYTES
