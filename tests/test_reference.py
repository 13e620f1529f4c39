"""The decoder that follows the documents (reference/) agrees with the program."""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import m2t
from m2t.config import Tune
from m2t.weights import shipped

from .conftest import photograph
from .reference.decoder import Decoded, decode, latents_sha256, pixels_sha256
from .reference.reader import Refused
from .reference.weights import Weights, read_weights

FOLDER = Path(__file__).parent / "golden"
RECORD: dict[str, dict[str, str]] = json.loads((FOLDER / "golden.json").read_text())
CODED = [name for name in RECORD if "latents_sha256" in RECORD[name]]
EXACT = [name for name in RECORD if "pixels_sha256" in RECORD[name]]
LAYERED = [name for name in RECORD if "first_layer_sha256" in RECORD[name]]


@cache
def weights(model: str) -> Weights:
    path = shipped()[model] if model in shipped() else FOLDER / f"{model}.safetensors"
    return read_weights(path.read_bytes())


def read(name: str) -> bytes:
    return (FOLDER / f"{name}.m2t").read_bytes()


@cache
def decoded(name: str) -> Decoded:
    return decode(read(name), weights(RECORD[name]["model"]))


@pytest.mark.parametrize("name", CODED)
def test_tokens(name: str) -> None:
    latents = decoded(name).latents
    assert latents is not None
    assert latents_sha256(latents) == RECORD[name]["latents_sha256"]


@pytest.mark.parametrize("name", LAYERED)
def test_tokens_of_the_first_layer_and_those_expected(name: str) -> None:
    first = decode(read(name), weights(RECORD[name]["model"]), num_layers=1)
    assert first.latents is not None
    assert latents_sha256(first.latents) == RECORD[name]["first_layer_sha256"]


@pytest.mark.parametrize("name", RECORD)
def test_pictures(name: str) -> None:
    found = decoded(name).pixels
    if found is not None:  # else the model paints in floating point
        with Image.open(FOLDER / f"{name}.png") as image:
            expected = np.asarray(image).reshape(found.shape)
            seen = np.ones(found.shape[:2], bool)
            if decoded(name).latents is None and image.mode.endswith("A"):
                seen = found[..., -1] > 0  # colours under full transparency are any
            assert np.array_equal(found[seen], expected[seen])


@pytest.mark.parametrize("name", EXACT)
def test_pixels(name: str) -> None:
    rgb = decoded(name).rgb
    assert rgb is not None
    assert pixels_sha256(rgb) == RECORD[name]["pixels_sha256"]


def test_metadata() -> None:
    found = decoded("metadata").chunks
    with Image.open(FOLDER / "metadata.png") as image:
        expected = image.info
    assert found["i"] == expected["icc_profile"]
    assert b"Exif\0\0" + found["e"] == expected["exif"]
    assert found["x"] == expected["xmp"]


@pytest.mark.parametrize("name", ["metadata_all", "layers_metadata_all"])
def test_metadata_of_each_kind(name: str) -> None:
    found = decoded(name).chunks
    assert set(found) == set("iexdcpt")
    assert found["d"] == b"300 299.5"
    assert found["c"] == b"a comment"
    assert found["p"] == b"\x1c\x02\x78\x00\x04text"
    assert found["t"] == "Title\0Möwen\0Author\0\0".encode()


def test_chunks_of_later_versions_are_kept() -> None:
    assert decoded("rows").chunks == {"z": b"of a later version"}


@pytest.mark.parametrize(("quality", "tune"), [(20, "psnr"), (90, "eye")])
def test_files_of_the_shipped_weights(quality: int, tune: Tune) -> None:
    image = photograph(40, 25)
    data = m2t.compress(image, quality, tune=tune)
    found = decode(data, weights("light"))
    assert found.pixels is not None
    assert np.array_equal(found.pixels, np.asarray(m2t.decompress(data)))


@pytest.mark.parametrize("name", ["integers_eye", "layers_grey_alpha", "lossless"])
def test_no_byte_may_change(name: str) -> None:
    data = read(name)
    for place in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(Refused):
            decode(bytes(damaged), weights(RECORD[name]["model"]))


@pytest.mark.parametrize("name", ["integers_eye", "layers_grey_alpha", "lossless"])
def test_no_byte_may_lack_or_follow(name: str) -> None:
    data, model = read(name), weights(RECORD[name]["model"])
    for num_bytes in range(0, len(data), 5):
        with pytest.raises(Refused):
            decode(data[:num_bytes], model)
    with pytest.raises(Refused):
        decode(data + b"\0", model)


def test_it_shares_nothing_with_the_program() -> None:
    for path in (Path(__file__).parent / "reference").glob("*.py"):
        assert not re.search(r"^\s*(import|from) +(m2t|src)", path.read_text(), re.M)


def test_other_weights_are_refused() -> None:
    with pytest.raises(Refused, match=weights("integers").model_id.hex()):
        decode(read("integers_eye"), weights("tunes"))
