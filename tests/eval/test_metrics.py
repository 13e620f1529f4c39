import math

import numpy as np
import pytest
from PIL import Image

from m2t.errors import ImageError
from m2t.eval.metrics import bpp, image_paths, main, psnr


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
