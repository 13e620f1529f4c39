"""Pictures too large for the encoder at once, in parts: some rows of windows, or pieces of one."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from m2t import Target
from m2t.checksums import latents_sha256
from m2t.codec import Codec
from m2t.config import Aim
from m2t.container import parse
from m2t.encoder.parts import LARGEST_WHOLE, parts_of
from m2t.engine.score import psnr
from m2t.geometry.windows import cut
from m2t.image import to_picture
from m2t.presets import light

from .conftest import photograph

AREA = 60
"""Tokens of a part here: one or two rows of windows of a tall picture, a piece of a wide one's."""


@pytest.fixture(params=[(150, 700), (700, 150)], ids=["tall", "wide"])
def image(request: pytest.FixtureRequest) -> Image.Image:
    return photograph(*request.param)


@pytest.fixture
def cut_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, pictures have several parts."""

    def begin() -> None:
        monkeypatch.setattr("m2t.encoder.parts.LARGEST_WHOLE", 1)
        monkeypatch.setattr("m2t.encoder.parts.TOKENS_PER_PART", AREA)

    return begin


def test_tokens_that_nothing_moves_are_those_of_the_whole(codec: Codec, image, cut_up) -> None:
    whole = codec.compress(image, 60, effort=0)
    cut_up()
    assert codec.compress(image, 60, effort=0) == whole


@pytest.mark.parametrize("tune", ["eye", "psnr"])
def test_moved_tokens_are_nearly_those_of_the_whole(codec: Codec, image, tune, cut_up) -> None:
    whole = codec.compress(image, 60, tune=tune)
    cut_up()
    parts = codec.compress(image, 60, tune=tune)
    before, after = (codec.decode_latents(parse(data)) for data in (whole, parts))
    assert np.mean(before != after) < 0.02
    assert abs(len(parts) - len(whole)) < 0.01 * len(whole)
    expected = codec.tokens(to_picture(image), Aim(60, tune))
    assert latents_sha256(after) == latents_sha256(expected)


def test_tokens_around_a_part_are_all_that_its_gradient_sees(cut_up) -> None:
    codec = Codec.load()  # trained: neighbours matter to it
    picture, aim, slopes = (
        to_picture(photograph(496, 400)),
        Aim(60, "psnr"),
        codec.transforms.slopes,
    )
    y_hat = codec.analyse(picture, aim)
    whole, _ = slopes(picture.rgb, y_hat, aim, True, 1, lambda _: None)
    cut_up()
    parts = parts_of(codec.config, *y_hat.shape[:2])
    assert len(parts) == 4
    for part in parts:
        tokens = y_hat[part.context.rows, part.context.columns]
        found, _ = slopes(picture.part(part.pixels).rgb, tokens, aim, True, 1, lambda _: None)
        expected = whole[part.block.rows, part.block.columns]
        # Gradients are rounded by the largest one of the part.
        assert np.abs(found[part.inner] - expected).max() < 1e-3 * np.abs(whole).max()


def test_layers_are_cut_from_the_streams_of_all_parts(codec: Codec, image, cut_up) -> None:
    cut_up()
    strips, layers = (parse(codec.compress(image, 60, layers=n)) for n in (1, 3))
    assert layers.windows == strips.windows
    whole, same = (codec.decompress(stream.pack()) for stream in (strips, layers))
    assert whole.tobytes() == same.tobytes()


@pytest.mark.parametrize("effort", [0, 1, 3])
def test_progress_goes_to_1(codec: Codec, image, cut_up, effort: int) -> None:
    cut_up()
    shares: list[float] = []
    codec.compress(image, effort=effort, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_targets_are_met_in_parts(codec: Codec, image, cut_up, mode: str, monkeypatch) -> None:
    image = image.convert(mode)
    limit = len(codec.compress(image, 60))
    cut_up()
    areas, unrounded = [], codec.transforms.unrounded

    def analysed(rgb: np.ndarray, *args):
        areas.append(rgb.shape[0] * rgb.shape[1])
        return unrounded(rgb, *args)

    monkeypatch.setattr(codec.transforms, "unrounded", analysed)
    monkeypatch.setattr("m2t.aiming.PIXELS_AT_A_TIME", 30_000)
    shares: list[float] = []
    data = codec.compress(image, Target("size", limit), progress=shares.append)
    assert 0.95 * limit <= len(data) <= limit
    assert max(areas) < image.width * image.height  # never all of it
    near = codec.compress(image, Target("psnr", 18), progress=shares.append)
    x, x_hat = to_picture(image).rgb, to_picture(codec.decompress(near)).rgb
    assert psnr(x, x_hat) >= 18
    assert shares[-1] == 1.0


def test_a_target_takes_the_very_files_of_a_quality_in_parts(codec: Codec, image, cut_up) -> None:
    cut_up()
    assert codec.compress(image, Target("size", 10**8)) == codec.compress(image, 100)


@pytest.mark.parametrize(
    ("size", "num_parts"), [((1, 1), 1), ((44, 10), 6), ((10, 44), 8), ((100, 3), 5), ((3, 100), 5)]
)
def test_parts_are_all_windows_in_order(
    codec: Codec, cut_up, size: tuple[int, int], num_parts: int
) -> None:
    cut_up()
    parts = parts_of(codec.config, *size)
    windows = cut(*size, codec.config.entropy.window)
    assert len(parts) == num_parts
    assert [window for part in parts for window in part.windows] == windows
    for part in parts:
        assert sum(window.area for window in part.windows) == part.block.area
        assert part.context.common(part.block) == part.block


@pytest.mark.parametrize("size", [(625, 625), (3125, 125), (125, 3125), (25, 16384), (1, 2**20)])
def test_no_part_is_larger_than_the_largest_whole_picture(size: tuple[int, int]) -> None:
    for part in parts_of(light(), *size):
        assert part.context.area <= LARGEST_WHOLE
