"""Whole evaluations of fast codecs on small images."""

import dataclasses
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from m2t.codec import Codec
from m2t.errors import ConfigError, ImageError, M2TError
from m2t.eval import evaluate as module
from m2t.eval.anchors import CODECS, ImageCodec
from m2t.eval.command import run_m2t
from m2t.eval.evaluate import Options, evaluate
from m2t.eval.ours import m2t_codec
from m2t.eval.report import write_report
from m2t.eval.results import Curve, Point, load_record, load_result, save_result

from ..conftest import photograph


def shortened(name, *settings, **changes):
    return dataclasses.replace(CODECS[name], settings=settings, **changes)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for seed, name in enumerate("ab"):
        photograph(50, 40, seed).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def options(images, tmp_path):
    return Options(images, tmp_path / "out", "set", timing=False, command="m2t eval set")


JPEG, WEBP = shortened("jpeg", 10, 40, 80), shortened("webp", 5, 40, 80)


def test_results_and_comparison(options):
    low, high = Point("low", 0.01, 10), Point("high", 50, 60)
    save_result(options.out / "anchors/vtm.json", Curve("VTM", "set", "published: x", (low, high)))
    found = evaluate(dataclasses.replace(options, anchors=options.out / "anchors"), [JPEG, WEBP])
    assert found.failures == []
    record = load_record(options.out / "jpeg.json")
    assert record["source"] == "measured, 2 images"
    assert len(record["rows"]) == 6
    for row in record["rows"]:
        assert row["bpp"] == pytest.approx(8 * row["num_bytes"] / (40 * 50), abs=1e-6)
        assert row["psnr"] < row["psnr_y"] + 6
        assert "ms_ssim" not in row  # too small
    assert {entry["anchor"] for entry in record["bd_rates"]} == {"vtm", "webp"}
    assert load_result(options.out / "webp.json").curve == found.results["webp"].curve


def test_a_stopped_run_goes_on_to_the_same_result(options, monkeypatch):
    evaluate(options, [JPEG])
    expected = (options.out / "jpeg.json").read_text()
    journal = options.out / "quality.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:3]) + lines[3][:20])
    done = []
    real = module.quality_of
    monkeypatch.setattr(
        module, "quality_of", lambda task, names: done.append(task.key) or real(task, names)
    )
    evaluate(options, [JPEG])
    assert len(done) == 4
    assert (options.out / "jpeg.json").read_text() == expected
    evaluate(options, [JPEG])
    assert len(done) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_runs_go_on_to_the_same_result(options, images, tmp_path):
    expected = evaluate(options, [CODECS["jpeg"]]).first
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "m2t", "eval", images, "--codecs", "jpeg", "--jobs", "1"]
    command += ["--no-timing", "--out", out]
    journal, known = out / "quality.jsonl", 1
    for _ in range(2):
        with subprocess.Popen(command) as process:
            deadline = time.monotonic() + 60
            while not journal.exists() or journal.read_text().count("\n") <= known:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.001)
            process.kill()
        known = journal.read_text().count("\n")
    assert not (out / "jpeg.json").exists()
    before = journal.read_text()
    (out / ".jpeg.json.0123456789abcdef.tmp").write_text("half")
    subprocess.run(command, check=True)
    assert load_result(out / "jpeg.json") == expected
    assert journal.read_text().startswith(before[: before.rfind("\n") + 1])
    assert len(journal.read_text().splitlines()) == 1 + len(expected.rows)
    assert not list(out.glob(".*"))


def test_a_metric_is_added_to_what_is_known(options, monkeypatch):
    first = evaluate(dataclasses.replace(options, metrics=()), [JPEG]).first
    assert all(row.ssimulacra2 is None for row in first.rows)
    asked = []
    real = module.quality_of
    monkeypatch.setattr(
        module, "quality_of", lambda task, names: asked.append(names) or real(task, names)
    )
    again = evaluate(dataclasses.replace(options, metrics=("ssimulacra2", "ms_ssim")), [JPEG]).first
    assert asked == [["ssimulacra2", "ms_ssim"]] * 6
    assert all(row.ssimulacra2 is not None for row in again.rows)
    assert [(r.bpp, r.psnr) for r in again.rows] == [(r.bpp, r.psnr) for r in first.rows]
    evaluate(dataclasses.replace(options, metrics=("ms_ssim",)), [JPEG])
    assert len(asked) == 6  # that small images have no MS-SSIM is known too


def test_processes_find_the_same(options):
    one = evaluate(options, [JPEG]).first
    two = evaluate(dataclasses.replace(options, out=options.out / "two", jobs=2), [JPEG]).first
    assert one.rows == two.rows


def test_an_absent_metric_is_refused_before_anything_is_measured(options, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="apt-get install butteraugli"):
        evaluate(dataclasses.replace(options, metrics=("butteraugli",)), [JPEG])
    assert not options.out.exists()


def test_timing_is_one_at_a_time_and_kept(options):
    found = evaluate(dataclasses.replace(options, timing=True, jobs=4), [JPEG])
    assert all(p.encode_seconds and p.decode_seconds for p in found.first.curve.points)
    assert len((options.out / "timing.jsonl").read_text().splitlines()) == 1 + 6


def test_an_unreadable_image_is_reported_and_the_rest_goes_on(options, images):
    (images / "broken.png").write_bytes(b"no image")
    found = evaluate(options, [JPEG])
    assert [failure.image for failure in found.failures] == ["broken.png"]
    assert found.first.curve.source == "measured, 2 images"


class Fussy(ImageCodec):
    def encode(self, image, setting):
        if image.width > 50 and setting == 40:
            raise OSError("too wide")
        return super().encode(image, setting)


def test_an_image_that_one_codec_fails_on_is_left_out_for_all(options, images):
    photograph(60, 40).save(images / "wide.png")
    fussy = Fussy(name="f", label="F", format="JPEG", suffix=".jpg", settings=(10, 40, 80))
    found = evaluate(options, [JPEG, fussy])
    assert [(f.image, f.reason) for f in found.failures] == [
        ("wide.png", "f, quality 40: too wide")
    ]
    assert {row.image for row in found.first.rows} == {"a.png", "b.png"}


def test_no_images(options, images):
    shutil.rmtree(images)
    images.mkdir()
    with pytest.raises(ImageError, match="no images"):
        evaluate(options, [JPEG])
    (images / "x.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match="can be read"):
        evaluate(options, [JPEG])


def test_m2t_files_are_decoded_by_another_process(options, weights):
    ours = m2t_codec(str(weights), (20, 80))
    found = evaluate(dataclasses.replace(options, limit=1), [ours])
    points = found.first.curve.points
    assert [point.param for point in points] == ["quality 20", "quality 80"]
    assert found.first.curve.codec == "m2t tiny"


def test_files_that_are_not_as_estimated_fail(options, weights, monkeypatch):
    monkeypatch.setattr(Codec, "estimate", lambda *_: 8 * 4000.0)
    found = evaluate(dataclasses.replace(options, limit=1), [m2t_codec(str(weights), (50,))])
    (failure,) = found.failures
    assert failure.reason.endswith("bytes of tokens, where 4000 were expected")
    assert not found.results


def test_report_stands_alone(options):
    found = evaluate(dataclasses.replace(options, timing=True), [JPEG, WEBP])
    path = write_report(found, [JPEG, WEBP])
    text = path.read_text()
    assert {p.stem for p in options.out.glob("*.svg")} == {
        "ssimulacra2",
        "psnr",
        "bd_rate_ssimulacra2",
        "bd_rate_psnr",
        "speed",
    }
    assert text.count("<img") == text.count('src="data:image/') == 5 + 2 * 3
    assert "<th>SSIMULACRA2 from 40 up</th>" in text
    assert "http" not in text.split("base64")[0]
    assert "<td>a.png</td>" in text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
@pytest.mark.parametrize("width", [500, 1280])
def test_report_fits_the_window(options, tmp_path, width):
    found = evaluate(options, [JPEG, WEBP])
    page = write_report(found, [JPEG, WEBP])
    script = "<script>document.title = document.documentElement.scrollWidth</script>"
    page.write_text(page.read_text().replace("</body>", script + "</body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command = ["chromium", *flags, f"--window-size={width},2000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = int(done.stdout.split("<title>")[1].split("</title>")[0])
    assert shown <= width


def test_failing_command(tmp_path, capfd):
    with pytest.raises(M2TError, match="exit code 1"):
        run_m2t("compress", tmp_path / "missing.png", tmp_path / "x.m2t")
    assert "missing.png" in capfd.readouterr().err


def test_another_schema_is_refused_with_its_version(options):
    options.out.mkdir()
    (options.out / "quality.jsonl").write_text('{"schema": 7}\n')
    with pytest.raises(M2TError, match="version 7"):
        evaluate(options, [JPEG])


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are read from /proc")
def test_processes_end_with_a_parent_that_is_killed(images, tmp_path):
    slow = ["--codecs", "jpeg2000,webp,jpeg", "--jobs", "2", "--out", tmp_path / "out"]
    parent = subprocess.Popen([sys.executable, "-m", "m2t", "eval", images, *slow])

    def children():
        path = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        return path.read_text().split() if path.exists() else []

    deadline = time.monotonic() + 60
    while len(found := children()) < 3:  # two, and what tracks resources
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in found):
        assert time.monotonic() < deadline, "processes are left"
        time.sleep(0.05)
