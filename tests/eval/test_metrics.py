import math

import numpy as np
import pytest
from PIL import Image

from m2t.errors import ImageError
from m2t.eval.metrics import bpp, decibels, image_paths, main, ms_ssim, psnr, psnr_y

from ..conftest import photograph


def test_psnr_is_over_all_pixels_and_channels():
    a = np.full((4, 5, 3), 100, np.uint8)
    b = a.copy()
    assert psnr(a, b) == math.inf
    b[..., 0] -= 3  # a mean squared error of 9 / 3; a difference of unsigned bytes would wrap
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / 3))
    assert psnr(Image.fromarray(b), a) == psnr(a, b)


def test_psnr_refuses_what_cannot_be_compared():
    a = np.zeros((4, 5, 3), np.uint8)
    for b in (np.zeros((5, 4, 3), np.uint8), np.zeros((4, 5, 3), np.float32)):
        with pytest.raises(ImageError):
            psnr(a, b)


def test_bpp():
    assert bpp(49152, 768, 512) == 1.0


def test_two_folders(tmp_path, monkeypatch, capsys):
    for name, value in (("a", 10), ("b", 11)):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8), (value, value, value)).save(tmp_path / name / "x.png")
    (tmp_path / "a" / "notes.txt").touch()
    monkeypatch.setattr("sys.argv", ["metrics", str(tmp_path / "a"), str(tmp_path / "b")])
    main()
    assert capsys.readouterr().out.splitlines()[-1] == "mean of 1  48.131 dB"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError):
        image_paths(tmp_path / "empty")


def test_luma_weighs_the_channels():
    a = np.full((4, 5, 3), 100, np.uint8)
    b = a.copy()
    b[..., 1] += 2
    assert psnr_y(a, b) == pytest.approx(20 * math.log10(255 / (2 * 0.587)))


def test_ms_ssim():
    a = np.asarray(photograph(200, 170))
    assert ms_ssim(a, a) == 1
    value = ms_ssim(a, (a // 32 * 32 + 16).astype(np.uint8))
    assert value is not None
    assert 0.5 < value < 0.999
    assert decibels(1 - 0.99) == pytest.approx(20)
    assert ms_ssim(a[:160], a[:160]) is None
