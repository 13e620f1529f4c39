"""The synthesis passes down a picture: no row is computed twice, few are kept."""

import tracemalloc

import numpy as np
import pytest

from m2t.config import Aim
from m2t.engine.reference import ReferenceDistortions, ReferencePictures
from m2t.lapped.rows import Rows
from m2t.lapped.synthesis import Painter
from m2t.lapped.transforms import LappedTransforms
from m2t.weights import read_weights
from m2t.weights.file import LAPPED

AIM = Aim(50, "psnr")


class Counting(ReferencePictures):
    """Counts the places that convolutions compute."""

    places = 0

    def conv(self, kernel, x, out, finish) -> None:
        self.places += out.shape[0] * out.shape[1]
        super().conv(kernel, x, out, finish)


@pytest.fixture(scope="module")
def transforms(weights) -> LappedTransforms:
    found = read_weights(weights)
    return LappedTransforms(found.config, found.below(LAPPED), Counting(), ReferenceDistortions())


def tokens(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-3, 4, (rows, columns, 12)).astype(np.int32)


def painted(transforms: LappedTransforms, y_hat: np.ndarray) -> np.ndarray:
    rows, columns, _ = y_hat.shape
    return transforms.synthesise(y_hat, 16 * rows, 16 * columns, AIM, 1, lambda _: None)


@pytest.mark.parametrize("area", [1, 7, 40])
def test_strips_compute_each_place_once(transforms, area: int, monkeypatch) -> None:
    y_hat, counts = tokens(29, 3), []
    found = []
    for some in (4096, area):
        monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_BAND", some)
        transforms.ops.places = 0
        found.append(painted(transforms, y_hat))
        counts.append(transforms.ops.places)
    assert np.array_equal(*found)
    assert counts[0] == counts[1]


def test_memory_does_not_grow_with_height(transforms, monkeypatch) -> None:
    monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_BAND", 16)

    def peak(y_hat: np.ndarray) -> int:
        tracemalloc.start()
        rgb = painted(transforms, y_hat)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most - rgb.nbytes

    painted(transforms, tokens(1, 4))  # what is made at the first call stays
    assert peak(tokens(200, 4)) < 1.2 * peak(tokens(50, 4))


def test_the_end_of_a_picture_takes_no_more_rows_at_once(transforms, monkeypatch) -> None:
    monkeypatch.setattr("m2t.lapped.transforms.TOKENS_PER_BAND", 4)
    places = []
    blend = Painter._blend

    def blended(painter: Painter, stop: int) -> None:
        blend(painter, stop)
        places.append(len(painter.last.array))

    monkeypatch.setattr(Painter, "_blend", blended)
    painted(transforms, tokens(30, 4))
    assert max(places) <= 2 * max(places[:20])


@pytest.mark.parametrize("border", [0, 1, 2])
def test_rows_are_those_of_the_whole_picture(border: int) -> None:
    whole = np.random.default_rng(0).integers(1, 100, (40, 5, 2)).astype(np.int16)
    edge = (border, border)
    padded = np.pad(whole, (edge, edge, (0, 0)))
    rows, done = Rows(5, 2, np.int16, border), 0
    for stop in (0, 1, 2, 9, 10, 10, 25, 40):
        start = rows.stop
        rows.add(stop)[:] = whole[start:stop]
        if stop == len(whole):
            rows.close()
        ready = stop if stop == len(whole) else max(0, stop - border)
        assert np.array_equal(rows[done:ready], whole[done:ready])
        if ready > done:
            assert np.array_equal(rows.around(done, ready), padded[done : ready + 2 * border])
        rows.drop(ready)
        done = ready
    assert len(rows.array) < len(whole)
