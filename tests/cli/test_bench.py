import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import m2t.codec
from m2t.bench import TimedCodec, measure, sample
from m2t.config import Aim
from m2t.rans import Counter
from m2t.timing import Stopwatch
from tests.conftest import photograph

REAL, LOAD = m2t.codec, m2t.load


ENCODE = ["read_image", "analysis", "refinement", "entropy_network", "range_coder", "rest"]


DECODE = ["entropy_network", "range_decoder", "synthesis", "write_image", "rest"]


FAST = ["--runs", 1, "--warmup", 0]


@pytest.fixture
def bench(m2t, weights, folder, monkeypatch):
    """Run `m2t bench` with the tiny model, for once with the real codec."""
    monkeypatch.setitem(sys.modules, "m2t.codec", REAL)
    monkeypatch.setattr("m2t.load", LOAD)
    return lambda *args: m2t("bench", "--model", weights, *FAST, *args)


def size_of(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def test_table_and_json(bench, codec):
    photograph(90, 60).save("photo.png")
    result = bench("photo.png", "-q", 30)
    assert (result.code, result.err) == (0, "")
    *table, line = result.out.splitlines()
    assert table[0].startswith("photo.png, 90x60: ")
    assert table[1] == "quality 30, tune eye, effort 1"
    names = [row.split("  ")[1] for row in table if row.startswith("  ")]
    whole = [name for name in names if name.startswith("whole, ")]
    assert [name.replace(" ", "_") for name in names if not name.startswith(("sum", "whole"))] == [
        *ENCODE,
        *DECODE,
    ]
    assert len(whole) == 2
    found = json.loads(line)
    assert found["bytes"] == len(codec.compress(photograph(90, 60), 30))
    assert found["bpp"] == 8 * found["bytes"] / (90 * 60)
    assert found["operations"] == codec.network.name
    assert found["model"] == codec.identity.hex()
    assert found["versions"]["numpy"] == np.__version__
    assert found["num_threads"] == codec.num_threads
    assert found["load_seconds"] > 0


def test_stages_make_up_the_whole(bench):
    found = json.loads(bench("--megapixels", 0.02, "--threads", 1, "--json").out)
    assert found["input"] == "synthetic"
    assert (found["width"], found["height"]) == (173, 115)
    assert found["num_threads"] == 1
    for direction, stages in (("encode", ENCODE), ("decode", DECODE)):
        seconds = found[direction]["stage_seconds"]
        assert list(seconds) == stages
        assert min(seconds.values()) > 0
        total = sum(seconds.values())
        assert 0.05 < total / found[direction]["seconds"] < 20  # machines are noisy
        speed = 173 * 115 / 1e6 / found[direction]["seconds"]
        assert found[direction]["megapixels_per_second"] == pytest.approx(speed, abs=0.001)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_memory(bench):
    found = json.loads(bench("--megapixels", 0.01, "--json").out)
    assert 10**7 < found["loaded_bytes"] <= found["peak_bytes"]


def test_errors_are_one_line(bench, m2t):
    Path("bad.png").write_text("nonsense")
    assert bench("gone.png") == (1, "", "m2t: error: gone.png: No such file or directory\n")
    assert bench("bad.png") == (1, "", "m2t: error: bad.png: not an image of a known format\n")
    unknown = m2t("bench", "--model", "none")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("m2t: error: no model none")
    assert json.loads(bench("gone.png", "--json").out)["input"] == "gone.png"
    assert bench("--megapixels", 0).code == 2


def test_sample():
    assert sample(megapixels=0.01) == sample(megapixels=0.01)
    assert size_of(sample()) == (1225, 816)
    data = sample(megapixels=0.04)
    assert sample(data) is data
    assert size_of(sample(data, 0.01)) == (123, 82)


def test_what_an_image_has_besides_colours(codec):
    image = photograph(40, 30)
    image.putalpha(Image.fromarray(np.tile(np.arange(40, dtype=np.uint8), (30, 1))))
    exif = image.getexif()
    exif[0x0112] = 6  # orientation: a quarter turn
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    found = measure(codec, file.getvalue(), runs=1, warmup=0)
    assert (found["width"], found["height"]) == (30, 40)
    assert found["bytes"] == len(codec.compress(Image.open(file), lossless="never"))


def test_a_stage_within_another_stops_it(monkeypatch):
    clock = iter([0, 1, 3, 6, 10, 15])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    watch = Stopwatch()
    with watch("outer"):
        with watch("inner"):
            pass
        with watch("inner"):
            pass
    assert watch.seconds == {"outer": 1 + 3 + 5, "inner": 2 + 4}


def test_a_timed_codec_is_the_codec(codec):
    image = photograph(120, 90)
    made = codec.compress(image, 30)
    watch = Stopwatch()
    assert TimedCodec(codec, watch).compress(image, 30) == made
    assert list(watch.seconds) == ["analysis", "refinement", "entropy_network", "range_coder"]
    watch = Stopwatch()
    timed = TimedCodec(codec, watch)
    assert timed.decompress(made).tobytes() == codec.decompress(made).tobytes()
    assert list(watch.seconds) == ["entropy_network", "range_decoder", "synthesis"]


def test_what_refinement_codes_is_refinement_alone(codec):
    watch = Stopwatch()
    tokens = np.zeros((2, 3, codec.config.transform.latent_channels), np.int32)
    with watch("refinement"):
        TimedCodec(codec, watch).code((2, 3), Aim(30, "eye"), lambda _: Counter(), tokens)
    assert list(watch.seconds) == ["refinement"]
