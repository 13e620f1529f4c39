import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from m2t.engine.score import ssimulacra2 as own_score
from m2t.errors import ImageError
from m2t.eval import metrics
from m2t.eval.metrics import bpp, decibels, image_paths, main, ms_ssim, psnr, psnr_y, ssimulacra2

from ..conftest import photograph

PHOTO = Path(__file__).parents[2] / "examples" / "photo.png"


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


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file))


def test_ssimulacra2_does_not_jump_where_a_scale_is_missing(monkeypatch):
    """The package, which counts weights on, jumps by ten and more from 112 to 113 pixels."""
    pytest.importorskip("ssimulacra2")
    photo = np.asarray(Image.open(PHOTO).convert("RGB"))
    crops = [photo[:side, :side] for side in (112, 113, 224, 225)]
    scores = [ssimulacra2(crop, as_jpeg(crop)) for crop in crops]
    assert scores[0] == pytest.approx(scores[1], abs=2)
    assert scores[2] == pytest.approx(scores[3], abs=2)
    assert scores[2] == round(own_score(crops[2], as_jpeg(crops[2])), 3)
    monkeypatch.setattr(metrics, "SIX_SCALES", 8)
    wrong = [ssimulacra2(crop, as_jpeg(crop)) for crop in crops]
    assert wrong[0] != pytest.approx(wrong[1], abs=10)
    assert wrong[3] == scores[3]


@pytest.mark.parametrize("size", [(113, 113), (224, 150), (300, 128)])
def test_small_pictures_have_the_score_that_the_package_means(size, monkeypatch):
    """With the scale that it has not, of no weight, its weights are where they belong."""
    package = pytest.importorskip("ssimulacra2.ssimulacra2")
    counted = package.Msssim.score

    def of_all_scales(self):
        self.scales += [package.MsssimScale() for _ in range(package.kNumScales - len(self.scales))]
        return counted(self)

    monkeypatch.setattr(package.Msssim, "score", of_all_scales)
    crop = np.asarray(Image.open(PHOTO).convert("RGB"))[: size[0], : size[1]]
    ours = ssimulacra2(crop, as_jpeg(crop))
    monkeypatch.setattr(metrics, "SIX_SCALES", 8)
    assert ssimulacra2(crop, as_jpeg(crop)) == pytest.approx(ours, abs=0.2)


@pytest.mark.parametrize("side", [8, 9, 16, 40])
def test_tiny_pictures_have_a_score(side):
    pytest.importorskip("ssimulacra2")
    crop = np.asarray(Image.open(PHOTO).convert("RGB"))[:side, : 2 * side]
    assert ssimulacra2(crop, crop) == 100
    value = ssimulacra2(crop, crop ^ np.uint8(16))
    assert value is not None
    assert value < 95
    assert ssimulacra2(crop[:7], crop[:7]) is None


def test_ms_ssim():
    a = np.asarray(photograph(200, 170))
    assert ms_ssim(a, a) == 1
    value = ms_ssim(a, (a // 32 * 32 + 16).astype(np.uint8))
    assert value is not None
    assert 0.5 < value < 0.999
    assert decibels(1 - 0.99) == pytest.approx(20)
    assert ms_ssim(a[:160], a[:160]) is None
