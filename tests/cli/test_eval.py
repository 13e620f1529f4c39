import json

import pytest
from PIL import Image

from m2t.eval import anchors
from m2t.eval.anchors import ImageCodec

pytest.importorskip("bjontegaard")


@pytest.fixture
def images(folder):
    (folder / "set").mkdir()
    ramp = Image.linear_gradient("L").resize((40, 30))
    for name, angle in (("a", 90), ("b", 180)):
        Image.merge("RGB", [ramp, ramp, ramp.rotate(angle)]).save(f"set/{name}.png")
    return folder / "set"


def test_results_are_printed_and_written(m2t, folder, images):
    result = m2t("eval", images, "--codecs", "jpeg,webp", "--no-timing", "--out", "out")
    assert result.code == 0
    assert (
        "| JPEG (4:2:0, optimised Huffman tables) | bpp | SSIMULACRA2 | PSNR (dB) |" in result.out
    )
    assert (folder / "out/report.html").is_file()
    assert json.loads((folder / "out/jpeg.json").read_text())["schema"] == 1


def test_no_images_is_one_line(m2t, folder):
    (folder / "empty").mkdir()
    result = m2t("eval", "empty", "--codecs", "jpeg", "--out", "out")
    assert (result.code, result.out) == (1, "")
    assert result.err == "m2t: error: empty: no images in there\n"


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(m2t, folder, images):
    (images / "c.png").write_bytes(b"no image")
    result = m2t("eval", images, "--codecs", "jpeg", "--no-timing", "--jobs", "1", "--out", "out")
    assert result.code == 1
    assert result.err.startswith("m2t: error: c.png: ")
    assert (folder / "out/report.html").is_file()


def test_what_is_not_installed_is_skipped(m2t, images, monkeypatch):
    plugin = ("some-package", "no_such_module", "")
    absent = ImageCodec(name="x", label="X", suffix=".x", format="X", settings=(1,), plugin=plugin)
    monkeypatch.setitem(anchors.ANCHORS, "x", absent)
    result = m2t("eval", images, "--codecs", "jpeg,x", "--no-timing", "--jobs", "1", "--out", "out")
    assert result.code == 0
    assert result.err.startswith("m2t: warning: x: skipped; pip install some-package\n")
    result = m2t("eval", images, "--codecs", "x", "--out", "out2")
    assert result.code == 1
    assert result.err.endswith("m2t: error: none of the codecs is installed\n")


@pytest.mark.parametrize(
    "options",
    [
        ["--codecs", "nonsense"],
        ["--metrics", "psnr,nonsense"],
        ["--qualities", "1,x"],
        ["--qualities", "0"],
        ["--jobs", "0"],
    ],
)
def test_wrong_usage(m2t, images, options):
    assert m2t("eval", images, "--out", "out", *options).code == 2


def test_metrics_are_those_asked_for(m2t, folder, images):
    command = ["eval", images, "--codecs", "jpeg", "--no-timing", "--jobs", "1", "--out", "out"]
    assert "| SSIMULACRA2 | PSNR (dB) |" in m2t(*command).out
    result = m2t(*command, "--metrics", "psnr", "--out", "out2")
    assert result.code == 0
    assert "SSIMULACRA2" not in result.out


def test_a_metric_that_is_not_installed_is_one_line(m2t, images, monkeypatch):
    monkeypatch.setenv("PATH", "")
    command = ["eval", images, "--codecs", "jpeg", "--metrics", "butteraugli", "--out", "out"]
    result = m2t(*command)
    assert result.code == 1
    assert result.err == "m2t: error: butteraugli needs: apt-get install butteraugli\n"


def test_another_schema_is_refused(m2t, folder, images):
    (folder / "out").mkdir()
    (folder / "out/quality.jsonl").write_text('{"schema": 9}\n')
    result = m2t("eval", images, "--codecs", "jpeg", "--out", "out")
    assert result.code == 1
    assert "schema version 9; this m2t reads version 1" in result.err
