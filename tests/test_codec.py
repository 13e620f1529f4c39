"""Images to bytes and back, as a user does it: any size, another process, hostile files."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from m2t.codec import Codec
from m2t.coding import Counter
from m2t.config import Aim
from m2t.container import parse
from m2t.errors import ConfigError, Corrupt, FormatError, ImageError, M2TError, UnknownModel
from m2t.image import to_picture
from m2t.model import Model
from m2t.presets import paper, tiny

from .conftest import float_codec, photograph, seeded_model, vary


def decoded_tokens(codec: Codec, data: bytes) -> np.ndarray:
    return codec.decode_latents(parse(data))


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (16, 16), (17, 15), (96, 96), (97, 200), (250, 33), (31, 300)]
)
def test_any_size_comes_back(codec: Codec, size: tuple[int, int]) -> None:
    image = photograph(*size)
    data = codec.compress(image, quality=60)
    decoded = codec.decompress(data)
    assert (decoded.size, decoded.mode) == (size, "RGB")
    tokens = codec.tokens(to_picture(image), Aim(60, "eye"))
    assert np.array_equal(decoded_tokens(codec, data), tokens)
    expected = codec.synthesise(tokens, size[1], size[0], Aim(60, "eye"))
    assert np.array_equal(np.asarray(decoded), expected)


@pytest.mark.parametrize("quality", [1, 37, 100])
def test_size_is_what_the_model_estimates(model: Model, codec: Codec, quality: int) -> None:
    image = photograph(400, 300)
    data = codec.compress(image, quality)
    aim = Aim(quality, "eye")
    num_bytes = sum(map(len, parse(data).windows))
    ideal = codec.estimate(data) / 8
    y_hat = codec.tokens(to_picture(image), aim)
    assert ideal <= num_bytes <= ideal * 1.001 + 8 * len(codec.windows(y_hat.shape[:2]))
    tokens = torch.from_numpy(y_hat).float().permute(2, 0, 1)[None]
    t = torch.tensor([model.config.rate.t(aim)])
    with torch.inference_mode():
        trained = float(model.rate(tokens, tokens, t)) / 8
    assert ideal == pytest.approx(trained, rel=0.03), "integers cost little"
    floats = float_codec(model)
    steps = floats.code(y_hat.shape[:2], aim, lambda _: Counter(), y_hat).results
    assert sum(steps) / 8 == pytest.approx(trained, rel=0.005, abs=8)


def test_container_costs_less_than_50_bytes() -> None:
    image = photograph(768, 512)
    model = seeded_model(vary(tiny(), window=24))  # four windows, as light has here
    codec = float_codec(model)
    data = codec.compress(image, 80)
    assert len(data) - sum(map(len, parse(data).windows)) < 50


@pytest.mark.parametrize(
    ("masking", "order"),
    [("mt", "entropy"), *((m, o) for m in ("mt", "m2t") for o in ("qlds", "random", "raster"))],
)
@pytest.mark.parametrize("steps", [1, 5, 36])
def test_every_schedule_makes_files_that_decode(masking: str, order: str, steps: int) -> None:
    config = vary(tiny(), masking=masking)
    schedule = dataclasses.replace(config.schedule, order=order, steps=steps)
    model = seeded_model(dataclasses.replace(config, schedule=schedule))
    codec = float_codec(model)
    image = photograph(120, 90)
    data = codec.compress(image, 40)
    header = parse(data).header
    assert (header.order.name.lower(), header.steps) == (order, steps)
    tokens = codec.tokens(to_picture(image), Aim(40, "eye"))
    assert np.array_equal(decoded_tokens(codec, data), tokens)


def test_paper_parts_make_files_that_decode() -> None:
    """The paper's transforms, norm, head and input scaling, at a small size."""
    config = dataclasses.replace(
        vary(paper(), width=48, layers=2, heads=4, mlp_width=64, window=5),
        transform=dataclasses.replace(paper().transform, width=8, latent_channels=10),
    )
    model = seeded_model(config)
    codec = float_codec(model)
    image = photograph(100, 90)
    data = codec.compress(image)
    tokens = codec.tokens(to_picture(image), Aim(50, "psnr"))  # it has no other tune
    assert np.array_equal(decoded_tokens(codec, data), tokens)
    assert codec.decompress(data).size == (100, 90)


def test_latents_far_outside_the_prediction_come_back(codec: Codec) -> None:
    """A gain gone wild: symbols the mixtures never expected go through the escape."""
    model = seeded_model(tiny())
    with torch.no_grad():
        model.gain.add_(12.0)
    wild = float_codec(model)
    image = photograph(40, 40)
    tokens = wild.tokens(to_picture(image), Aim(100, "eye"))
    assert np.abs(tokens).max() > 100_000
    assert np.array_equal(decoded_tokens(wild, wild.compress(image, 100)), tokens)


def test_modes_and_metadata_come_back(codec: Codec) -> None:
    image = photograph(50, 40).convert("LA")
    image.putalpha(photograph(50, 40, seed=1).convert("L"))
    image.info["icc_profile"] = b"profile"
    decoded = codec.decompress(codec.compress(image))
    assert decoded.mode == "LA"
    assert decoded.info["icc_profile"] == b"profile"
    before, after = (np.asarray(im.getchannel("A")) for im in (image, decoded))
    assert np.array_equal(before, after), "alpha is lossless"


def test_strips_give_what_the_whole_image_gives(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = photograph(40, 500)
    whole = codec.compress(image)
    pixels = np.asarray(codec.decompress(whole))
    monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_STRIP", 24)
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


def test_other_weights_are_named(codec: Codec) -> None:
    other = float_codec(seeded_model(tiny(), seed=1))
    data = codec.compress(photograph(20, 20))
    with pytest.raises(UnknownModel, match=codec.identity.hex()):
        other.decompress(data)
    with pytest.raises(UnknownModel, match=codec.identity.hex()):
        Codec.for_file(data)


def test_wrong_weights_under_the_same_name_do_not_pass(codec: Codec) -> None:
    """Noise is never shown as an image: the checksums see to it."""
    impostor = float_codec(seeded_model(tiny(), seed=1), codec.identity)
    with pytest.raises(FormatError):
        impostor.decompress(codec.compress(photograph(120, 90)))


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
    with pytest.raises(ImageError):
        codec.compress(Image.new("RGB", (0, 5)))
    with pytest.raises(M2TError):
        codec.decompress(b"")


def test_quality_is_monotonic_in_bytes_and_distortion() -> None:
    """From the start, before any training, thanks to the gains."""
    torch.manual_seed(0)
    model = Model(tiny())
    image = photograph(160, 128)
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    patches = x.unfold(1, 16, 4).unfold(2, 16, 4).reshape(3, -1, 16, 16).transpose(0, 1)
    model.initialise(patches)
    codec = float_codec(model)
    sizes, errors = [], []
    for quality in range(1, 101, 11):
        data = codec.compress(image, quality)
        sizes.append(len(data))
        difference = np.asarray(codec.decompress(data), float) - np.asarray(image)
        errors.append(np.square(difference).mean())
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
