"""The score in NumPy."""

import numpy as np
import pytest

from m2t.bench import photograph
from m2t.engine import score


def test_equal_pictures_score_100_and_worse_ones_less():
    x = np.asarray(photograph(150, 101))
    rng = np.random.default_rng(0)
    scores = [
        score.ssimulacra2(x, (x + rng.normal(0, sigma, x.shape)).clip(0, 255).astype(np.uint8))
        for sigma in (0, 4, 16, 64)
    ]
    assert scores[0] == 100
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0


@pytest.mark.parametrize("size", [(40, 330), (61, 401), (300, 9), (401, 321), (97, 145)])
def test_pieces_do_not_show(size, monkeypatch):
    x = np.asarray(photograph(*size))
    x_hat = x ^ np.uint8(8)
    whole = score.ssimulacra2(x, x_hat)
    psnr = score.psnr(x, x_hat)
    for name in ("ROWS", "COLUMNS"):
        monkeypatch.setattr(score, name, 48)
        assert score.ssimulacra2(x, x_hat) == pytest.approx(whole, abs=1e-6)
    monkeypatch.setattr(score, "LINES", 7)
    assert score.psnr(x, x_hat) == psnr


def test_tiny_pictures_have_a_score():
    x = np.zeros((5, 90, 3), np.uint8)
    assert score.ssimulacra2(x, x + np.uint8(9)) == 100
