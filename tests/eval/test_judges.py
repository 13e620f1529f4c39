"""Each metric, and the programs behind some."""

import numpy as np
import pytest

from m2t.errors import ConfigError, ImageError, M2TError
from m2t.eval import butteraugli
from m2t.eval.judges import METRICS, fidelity, require_metrics

from ..conftest import photograph

BEST = {"ssimulacra2": 100, "psnr": 100, "ms_ssim": 1, "butteraugli": 0, "butteraugli_3": 0}


@pytest.fixture(scope="module")
def image():
    return np.asarray(photograph(200, 170))


def coarse(image, step):
    return (image // step * step + step // 2).astype(np.uint8)


@pytest.fixture(params=METRICS)
def metric(request):
    found = METRICS[request.param]
    advice = found.missing()
    if advice is not None:
        pytest.skip(advice)
    return found


def test_no_difference_is_the_best_value(metric, image):
    name = next(name for name, found in METRICS.items() if found is metric)
    assert metric.measure(image, image) == pytest.approx(BEST.get(name, 0), abs=1e-3)


def test_worse_pictures_are_lower_on_the_axis(metric, image):
    values = [
        metric.measure(image, picture) for picture in (image, *map(coarse, [image] * 2, (16, 64)))
    ]
    places = [metric.axis(value) for value in values]
    assert places[0] > places[1] > places[2]


def test_tiny_pictures_have_a_value_or_none(metric, image):
    for side in (1, 7, 15):
        value = metric.measure(image[:side, :side], coarse(image, 64)[:side, :side])
        assert value is None or np.isfinite(value)


def test_flip_is_the_package_s(image):
    flip_evaluator = pytest.importorskip("flip_evaluator")
    pair = [(picture / 255).astype(np.float32) for picture in (image, coarse(image, 32))]
    _, mean, _ = flip_evaluator.evaluate(*pair, "LDR")
    value = METRICS["flip"].measure(image, coarse(image, 32))
    assert value == pytest.approx(mean, abs=1e-6)
    assert 0.02 < mean < 0.5


def test_identical_files(tmp_path):
    photograph(20, 10).save(tmp_path / "x.png")
    photograph(20, 12).save(tmp_path / "y.png")
    found = fidelity(tmp_path / "x.png", tmp_path / "x.png", ["ms_ssim"])
    assert found == {"psnr": 100, "psnr_y": 100, "ms_ssim": None}
    with pytest.raises(ImageError):
        fidelity(tmp_path / "x.png", tmp_path / "y.png")


def test_what_is_not_installed_is_refused_in_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "")
    require_metrics(["psnr"])
    with pytest.raises(ConfigError) as caught:
        require_metrics(["psnr", "butteraugli", "butteraugli_3"])
    assert str(caught.value) == (
        "butteraugli needs: apt-get install butteraugli; "
        "butteraugli_3 needs: apt-get install libjxl-devtools"
    )


def program(folder, monkeypatch, text):
    path = folder / butteraugli.LARGEST
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo nothing", "printed no score, but 'nothing"),
        ("echo no such file >&2; exit 3", "failed with exit code 3: no such file"),
        ("exec sleep 60", "took over 0.2 seconds"),
    ],
)
def test_failing_programs(tmp_path, monkeypatch, image, text, reason):
    program(tmp_path, monkeypatch, text)
    monkeypatch.setattr(butteraugli, "MOST_SECONDS", 0.2 if "sleep" in text else 60)
    with pytest.raises(M2TError, match=reason):
        butteraugli.butteraugli(image, image)


def test_scores_are_read_from_what_the_programs_print(tmp_path, monkeypatch, image):
    program(tmp_path, monkeypatch, "echo 11.997969")
    assert butteraugli.butteraugli(image, image) == 11.997969
    monkeypatch.setattr(butteraugli, "NORM_3", butteraugli.LARGEST)
    program(tmp_path, monkeypatch, "echo 9.5855; echo 3-norm: 3.782947")
    assert butteraugli.butteraugli_3(image, image) == 3.782947
