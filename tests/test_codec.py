"""Images to bytes and back, as a user does it: any size, another process, hostile files."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m2t.codec import Codec
from m2t.config import Aim
from m2t.container import Order, parse
from m2t.errors import ConfigError, Corrupt, FormatError, ImageError, M2TError
from m2t.image import to_picture

from .conftest import photograph
from .image_files import SRGB


def decoded_tokens(codec: Codec, data: bytes) -> np.ndarray:
    return codec.decode_latents(parse(data))


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (16, 16), (17, 15), (96, 96), (97, 200), (250, 33), (31, 300)]
)
def test_any_size_comes_back(codec: Codec, size: tuple[int, int]) -> None:
    image = photograph(*size)
    data = codec.compress(image, quality=60, lossless="never")
    decoded = codec.decompress(data)
    assert (decoded.size, decoded.mode) == (size, "RGB")
    tokens = codec.tokens(to_picture(image), Aim(60, "eye"))
    assert np.array_equal(decoded_tokens(codec, data), tokens)
    expected = codec.synthesise(tokens, size[1], size[0], Aim(60, "eye"))
    assert np.array_equal(np.asarray(decoded), expected)


def test_modes_and_metadata_come_back(codec: Codec) -> None:
    image = photograph(50, 40).convert("LA")
    image.putalpha(photograph(50, 40, seed=1).convert("L"))
    image.info["icc_profile"] = SRGB
    decoded = codec.decompress(codec.compress(image))
    assert decoded.mode == "LA"
    assert decoded.info["icc_profile"] == SRGB
    before, after = (np.asarray(im.getchannel("A")) for im in (image, decoded))
    assert np.array_equal(before, after), "alpha is lossless"


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("tokens", [1, 24])
def test_bands_give_what_the_whole_image_gives(
    codec: Codec, monkeypatch: pytest.MonkeyPatch, tokens: int, num_threads: int
) -> None:
    """From bands of one row, some layers get nothing new yet."""
    image, codec = photograph(40, 500), codec.on_threads(num_threads)
    whole = codec.compress(image)
    pixels = np.asarray(codec.decompress(whole))
    monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_BAND", tokens)
    assert codec.compress(image) == whole
    assert np.array_equal(np.asarray(codec.decompress(whole)), pixels)


def test_progress_goes_from_0_to_1(codec: Codec) -> None:
    shares: list[float] = []
    data = codec.compress(photograph(300, 200), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 4
    shares.clear()
    codec.decompress(data, progress=shares.append)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_decodes(codec: Codec, weights: Path, tmp_path: Path, threads: str) -> None:
    """Nothing but the bytes and the weights, and the same tokens with any number of threads."""
    file, out = tmp_path / "a.m2t", tmp_path / "a.png"
    file.write_bytes(codec.compress(photograph(130, 70), 75))
    code = (
        "import sys; from m2t.codec import Codec\n"
        "weights, file, out = sys.argv[1:]\n"
        "Codec.load(weights).decompress(open(file, 'rb').read()).save(out)"
    )
    command = [sys.executable, "-c", code, str(weights), str(file), str(out)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": threads})
    expected = np.asarray(codec.decompress(file.read_bytes())).astype(int)
    assert np.abs(np.asarray(Image.open(out)) - expected).max() <= 1


def test_damaged_streams_never_crash_the_decoder(codec: Codec) -> None:
    """Behind the container's checksum: streams altered, cut, emptied or exchanged."""
    stream = parse(codec.compress(photograph(150, 100)))
    good = stream.strips[0].windows
    rng = np.random.default_rng(0)
    cases = [[b"", *good[1:]], good[:-1], [*good, b""], good[::-1], [good[0][:7], *good[1:]]]
    for _ in range(30):
        window = bytearray(good[0])
        window[rng.integers(len(window))] ^= 1 << rng.integers(8)
        cases.append([bytes(window), *good[1:]])
    for windows in cases:
        stream.strips[0] = dataclasses.replace(stream.strips[0], windows=windows)
        with pytest.raises(FormatError):
            codec.decode_latents(stream)


def test_checksum_of_the_latents_is_checked(codec: Codec) -> None:
    stream = parse(codec.compress(photograph(20, 20)))
    strip = stream.strips[0]
    stream.strips[0] = dataclasses.replace(strip, latents_crc=strip.latents_crc ^ 1)
    with pytest.raises(Corrupt, match="checksum"):
        codec.decode_latents(stream)


def test_bad_arguments(codec: Codec) -> None:
    with pytest.raises(ConfigError, match="not 0"):
        codec.compress(photograph(8, 8), 0)
    for quality in (True, 50.0, "50", None):
        with pytest.raises(ConfigError, match="quality must be a whole number"):
            codec.compress(photograph(8, 8), quality)  # pyright: ignore
    with pytest.raises(ImageError):
        codec.compress(Image.new("RGB", (0, 5)))
    with pytest.raises(M2TError):
        codec.decompress(b"")


@pytest.mark.parametrize(
    "change", [{"steps": 7}, {"alpha": 30}, {"order": Order.RASTER}, {"seed": 3}]
)
def test_another_schedule_than_the_model_s_is_refused(codec: Codec, change: dict) -> None:
    stream = parse(codec.compress(photograph(40, 30)))
    stream.header = dataclasses.replace(stream.header, **change)
    with pytest.raises(Corrupt, match="order that its model does not have"):
        codec.decompress(stream.pack())
