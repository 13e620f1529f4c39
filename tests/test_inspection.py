"""What is found inside a file is what the codec does: bits, groups, images after each step."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from m2t.codec import Codec
from m2t.config import Aim
from m2t.eval.metrics import psnr
from m2t.geometry.schedule import build
from m2t.image import to_picture
from m2t.inspection.coders import symbol_bits
from m2t.inspection.inside import UNKNOWN_GREY, Inside, placed, record
from m2t.inspection.output import default_samples, facts, report
from m2t.rans import Counter, Mixture

from .conftest import photograph

pytest.importorskip("matplotlib")

IMAGE = photograph(150, 100)  # 7x10 tokens: windows of 4x5 and 3x5


QUALITY = 60


FILLED = 77


@pytest.fixture(scope="module")
def file(codec: Codec) -> bytes:
    return codec.compress(IMAGE, QUALITY)


@pytest.fixture(scope="module")
def inside(codec: Codec, file: bytes) -> Inside:
    return Inside(codec, file)


def filled(mixture: Mixture) -> np.ndarray:
    return np.full(len(mixture.means), FILLED, np.int32)


def test_bits_are_those_of_the_counter(codec: Codec, file: bytes, inside: Inside) -> None:
    assert inside.bits.sum(dtype=float) == pytest.approx(codec.estimate(file), rel=1e-6)


def test_bits_of_symbols_far_out_are_those_of_the_counter() -> None:
    rows = np.ones((5, 1), np.int32)
    mixture = Mixture(0 * rows, (84 * rows).astype(np.uint8), ((1 << 15) * rows).astype(np.uint16))
    symbols = np.array([0, 3, -2048, 5000, -(10**9)], np.int32)
    counter = Counter()
    counter.code(symbols, mixture)
    bits = symbol_bits(symbols, mixture)
    assert bits.sum() == pytest.approx(counter.finish())
    assert (np.diff(bits) > 0).all()


def test_bits_lie_where_their_tokens_do(codec: Codec, inside: Inside) -> None:
    """Another value of the token that is coded last changes the bits of no other."""
    window = codec.windows(inside.size)[0]
    last = build(codec.config.schedule, window.height, window.width).order[-1]
    place = window.top + last // window.width, window.left + last % window.width
    y_hat = inside.y_hat.copy()
    y_hat[place] += 9
    aim = Aim(QUALITY, "eye")
    bits, _ = placed(codec, aim, inside.size, record(codec, y_hat, aim))
    different = (bits != inside.bits).any(2)
    assert different[place]
    assert different.sum() == 1


def test_groups_are_those_of_the_schedule(codec: Codec, inside: Inside) -> None:
    assert inside.num_groups == codec.config.schedule.steps
    for window in codec.windows(inside.size):
        schedule = build(codec.config.schedule, window.height, window.width)
        groups = inside.groups[window.rows, window.columns]
        assert np.array_equal(groups.ravel(), schedule.group_of)


def test_known_tokens_are_the_file_s_and_others_are_filled(inside: Inside) -> None:
    for step in range(inside.num_groups + 1):
        y_hat, known = inside.completed(step, lambda _: filled), inside.groups < step
        assert np.array_equal(y_hat[known], inside.y_hat[known])
        assert (y_hat[~known] == FILLED).all()
        grey = (inside.known(step) == UNKNOWN_GREY).all(2)
        assert grey[::16, ::16].sum() == pytest.approx((~known).sum(), abs=1)


def test_the_last_step_is_the_decoded_image(codec: Codec, file: bytes, inside: Inside) -> None:
    decoded = np.asarray(codec.decompress(file))
    last = inside.num_groups
    for image in (inside.image, inside.expected(last), inside.average(last, 2), inside.known(last)):
        assert np.array_equal(image, decoded)


def test_earlier_steps_are_worse(inside: Inside) -> None:
    steps = range(inside.num_groups)
    expected = [psnr(inside.expected(i), inside.image) for i in steps]
    average = [psnr(inside.average(i, 4), inside.image) for i in steps]
    assert expected == sorted(expected)
    assert average == sorted(average)


def test_samples_do_not_depend_on_threads(codec: Codec, file: bytes) -> None:
    one, two = (Inside(codec.on_threads(n), file) for n in (1, 2))
    assert np.array_equal(one.average(1, 2), two.average(1, 2))
    assert not np.array_equal(one.average(1, 2, seed=1), two.average(1, 2))


def test_sums_agree(codec: Codec, inside: Inside, file: bytes) -> None:
    found = facts(inside)
    total = pytest.approx(found["bits"], abs=0.1)
    assert [sum(found[f"bits_per_{part}"]) for part in ("group", "slice", "channel")] == [total] * 3
    assert sum(found["tokens_per_group"]) == found["tokens"] == 70
    assert (found["bytes"], found["windows"]) == (len(file), 4)
    assert 0 < len(file) - found["bits"] / 8 < 100


class References(HTMLParser):
    """All that a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "link", "iframe", "a")
        self.found += [value for key, value in attrs if key in ("src", "href", "srcset")]


def test_report(inside: Inside) -> None:
    shares: list[float] = []
    original = to_picture(IMAGE).rgb
    found, files = report(inside, "<b>.png", original, num_samples=2, on_progress=shares.append)
    plots = {"bits", "order", "progress", "groups", "channels"}
    shots = {f"{key}_{i:02}" for key in ("known", "expected", "average") for i in range(6)}
    assert set(files) == {f"{name}.png" for name in plots | shots} | {"index.html"}
    assert shares == sorted(shares)
    assert shares[-1] == 1
    for step, row in enumerate(found["steps"]):
        assert row["step"] == step
        assert (row["expected_psnr"] is None) == (step == 5)
        assert row["average_psnr_original"] > 5
    assert found["steps"][0]["bits"] == 0
    assert found["steps"][-1]["bits"] == pytest.approx(found["bits"], abs=0.1)
    page = files["index.html"].decode()
    assert "<title>&lt;b&gt;.png</title>" in page
    references = References(page).found
    assert len(references) == len(plots) + len(shots)
    assert all(reference and reference.startswith("data:image/") for reference in references)
    assert not re.search(r"url\(|@import|https?:", page)


def test_report_of_a_single_token_without_original(codec: Codec) -> None:
    single = Inside(codec, codec.compress(Image.new("L", (3, 2)), QUALITY, lossless="never"))
    found, files = report(single, "a.m2t", num_samples=1)
    assert [row["tokens"] for row in found["steps"]] == [0, 1]
    assert found["steps"][1]["expected_psnr_original"] is None
    assert "index.html" in files


def test_larger_images_get_fewer_samples() -> None:
    sizes = [(100, 100), (768, 512), (1024, 1024), (6000, 4000)]
    assert [default_samples(*size) for size in sizes] == [16, 16, 6, 1]
