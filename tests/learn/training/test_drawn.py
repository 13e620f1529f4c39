import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m2t.learn.training import drawn
from m2t.learn.training.drawn import camera, canvas, choices, fonts


def ground(height: int, width: int) -> np.ndarray:
    """A smooth picture that nothing may change."""
    ramp = np.linspace(40, 200, height)[:, None, None] + np.linspace(0, 50, width)[:, None]
    picture = ramp.repeat(3, axis=2).astype(np.uint8)
    picture.flags.writeable = False
    return picture


def drawing(seed: int, height: int = 96, width: int = 96) -> np.ndarray:
    return drawn.draw(np.random.default_rng(seed), height, width, ground(height, width))


@pytest.mark.parametrize("shape", [(16, 16), (16, 80), (112, 48), (256, 192)])
def test_pictures_have_the_size_asked_for(shape):
    for seed in range(10):
        picture = drawing(seed, *shape)
        assert picture.shape == (*shape, 3)
        assert picture.dtype == np.uint8
        assert picture.flags.writeable


@pytest.mark.parametrize("painter", drawn._PAINTERS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("size", [(8, 8), (150, 90)])
def test_every_painter_fills_its_size_and_leaves_the_photograph(painter, size):
    before = ground(size[1], size[0])
    for seed in range(4):
        photo = Image.fromarray(before)
        image = painter(np.random.default_rng(seed), size, photo)
        assert (image.size, image.mode) == (size, "RGB")
        np.testing.assert_array_equal(np.asarray(photo), before)


def test_the_seed_decides():
    first = [drawing(seed) for seed in range(12)]
    for seed, picture in enumerate(first):
        np.testing.assert_array_equal(drawing(seed), picture)
    assert len({picture.tobytes() for picture in first}) == len(first)


def test_threads_do_not_disturb_each_other():
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(drawing, range(16)))
    for seed, picture in enumerate(together):
        np.testing.assert_array_equal(drawing(seed), picture)


def test_pictures_are_not_empty():
    pictures = np.stack([drawing(seed) for seed in range(60)]).astype(np.int16)
    steps = abs(np.diff(pictures, axis=2)).max(axis=3)
    edges = (steps > 40).mean(axis=(1, 2))
    assert edges.mean() > 0.08
    assert (edges > 0.01).mean() > 0.75


def test_a_third_is_photographed(monkeypatch):
    shots = []

    def shoot(_rng, paint, size):
        shots.append(size)
        return paint(size)

    monkeypatch.setattr(camera, "shoot", shoot)
    for seed in range(120):
        drawing(seed, 24, 32)
    assert 25 < len(shots) < 55
    assert set(shots) == {(32, 24)}


def test_no_fonts_are_needed(monkeypatch):
    monkeypatch.setattr(fonts, "find", lambda: ())
    rng = np.random.default_rng(0)
    assert {fonts.choose(rng, monospaced=m).path for m in (False, True)} == {None}
    assert len({drawing(seed).tobytes() for seed in range(8)}) == 8


def test_fonts_are_found_in_order(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    for name in ("b.TTF", "deep/a.otf", "c.txt"):
        (tmp_path / name).touch()
    monkeypatch.setattr(fonts, "FOLDERS", (tmp_path, tmp_path / "missing"))
    found = fonts.find.__wrapped__()
    assert [Path(path).name for path in found] == ["b.TTF", "a.otf"]


def test_broken_fonts_are_skipped(tmp_path, monkeypatch):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"not a font")
    monkeypatch.setattr(fonts, "find", lambda: (str(broken),))
    rng = np.random.default_rng(0)
    assert {fonts.choose(rng).path for _ in range(20)} == {None}


def test_looks_of_text_differ_in_their_edges():
    pixels = {}
    for look in ("smooth", "aliased", "fringed"):
        sheet = canvas.Canvas(np.random.default_rng(0), (120, 30), (255, 255, 255), look=look)
        sheet.text((4, 4), "Will it mix?", fonts.Font(None, 16), (0, 0, 0))
        pixels[look] = np.asarray(sheet.finish())
    assert set(np.unique(pixels["aliased"])) == {0, 255}
    assert len(np.unique(pixels["smooth"])) > 10
    assert np.ptp(pixels["smooth"], axis=2).max() == 0
    assert np.ptp(pixels["fringed"], axis=2).max() > 40
    darkness = [int(255 - picture.mean()) for picture in pixels.values()]
    assert max(darkness) - min(darkness) < 12


def test_words_are_plain_latin():
    text = " ".join(choices.words(np.random.default_rng(0), 2000))
    assert re.fullmatch(r"[ -~]+", text)
    assert len(set(text)) > 70
