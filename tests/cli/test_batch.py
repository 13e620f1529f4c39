"""compress and decompress, files and errors; what happens to images is tested elsewhere."""

import hashlib
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import fake_codec
import numpy as np
import pytest
from PIL import Image

from m2t.container import parse_header

PROGRAM = [sys.executable, fake_codec.__file__]


def names(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def one_error(result, text: str) -> None:
    """The command failed, and said so in a single line."""
    assert result.code == 1
    assert result.out == ""
    assert result.err.startswith("m2t: error: ")
    assert result.err.count("\n") == 1
    assert text in result.err


@pytest.mark.parametrize("option", ["-e", "--effort"])
def test_effort_reaches_the_codec(m2t, photo, option):
    assert m2t("compress", photo, option, 7).code == 0
    assert parse_header(Path("photo.m2t").read_bytes()).steps == 11 + 7
    assert m2t("compress", photo, "-f", option, 10).code == 2


def test_tune_reaches_the_codec(m2t, photo):
    tunes = []
    for options in ([], ["--tune", "eye"], ["--tune", "psnr"]):
        assert m2t("compress", photo, "-f", *options).code == 0
        tunes.append(parse_header(Path("photo.m2t").read_bytes()).aim.tune)
    assert tunes == ["eye", "eye", "psnr"]
    assert m2t("compress", photo, "-f", "--tune", "ear").code == 2


def test_round_trip_with_inferred_names(m2t, photo, pixels):
    result = m2t("compress", photo, "-q", 30)
    num_bytes = Path("photo.m2t").stat().st_size
    assert result.code == 0
    assert result.out == ""
    assert result.err.startswith(f"photo.png: 7x5, {num_bytes:,} bytes, ")
    photo.unlink()
    assert m2t("decompress", "photo.m2t").code == 0
    assert (np.asarray(Image.open("photo.png")) == pixels).all()
    assert names() == ["photo.m2t", "photo.png"]


def test_named_output(m2t, photo, pixels):
    assert m2t("compress", photo, "a.m2t").code == 0
    assert m2t("decompress", "a.m2t", "a.ppm").code == 0
    assert Path("a.ppm").read_bytes().startswith(b"P6\n7 5\n")
    assert m2t("decompress", "a.m2t", "--format", "jpg").code == 0
    assert names() == ["a.jpg", "a.m2t", "a.ppm", "photo.png"]


def test_json(m2t, photo):
    result = m2t("compress", photo, "-q", 30, "--json")
    facts = json.loads(result.out)
    num_bytes = Path("photo.m2t").stat().st_size
    assert result.err == ""
    assert facts.pop("seconds") >= 0
    assert facts == {
        "input": "photo.png",
        "output": "photo.m2t",
        "width": 7,
        "height": 5,
        "bytes": num_bytes,
        "bpp": 8 * num_bytes / 35,
        "quality": 30,
        "tune": "eye",
        "options": {"effort": 1, "keep": None, "model": None, "target": None},
        "lossless": False,
        "model": fake_codec.MODEL_ID.hex(),
        "input_bytes": photo.stat().st_size,
        "output_bytes": num_bytes,
        "modified_ns": photo.stat().st_mtime_ns,
        "sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
    }
    assert json.loads(m2t("decompress", "photo.m2t", "x.png", "--json").out)["output"] == "x.png"


def test_several_inputs_go_on_after_a_bad_one(m2t, photo):
    Path("bad.jpg").write_bytes(b"nonsense")
    Image.new("L", (3, 3)).save("grey.png")
    result = m2t("compress", "gone.jpg", "bad.jpg", photo, "grey.png", "--out-dir", "a/b", "--json")
    assert result.code == 1
    assert result.err.splitlines() == [
        "m2t: error: gone.jpg: No such file or directory",
        "m2t: error: bad.jpg: not an image of a known format",
    ]
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [line["input"] for line in lines] == ["gone.jpg", "bad.jpg", "photo.png", "grey.png"]
    assert ["error" in line for line in lines] == [True, True, False, False]
    assert names("a/b") == ["grey.m2t", "photo.m2t"]
    assert m2t("decompress", "a/b/grey.m2t", "a/b/photo.m2t", "--out-dir", ".", "-f").code == 0
    assert names() == ["a", "bad.jpg", "grey.png", "photo.png"]


def test_nothing_is_overwritten_without_force(m2t, photo):
    target = Path("photo.m2t")
    assert m2t("compress", photo, "-q", 10).code == 0
    before = target.read_bytes()
    one_error(m2t("compress", photo), "photo.png: photo.m2t exists already; -f overwrites it")
    assert target.read_bytes() == before
    assert m2t("compress", photo, "-f").code == 0
    assert target.read_bytes() != before
    one_error(m2t("decompress", target), "photo.png exists already")
    assert names() == ["photo.m2t", "photo.png"]


@pytest.mark.parametrize("target", ["photo.m2t", "./photo.m2t", "link.m2t"])
def test_input_is_never_the_output(m2t, folder, target):
    Image.new("L", (1, 1)).save("photo.m2t", "PNG")
    Path("link.m2t").symlink_to("photo.m2t")
    before = Path("photo.m2t").read_bytes()
    one_error(m2t("compress", "photo.m2t", target, "-f"), "same file")
    assert Path("photo.m2t").read_bytes() == before


def test_bad_input(m2t, photo):
    assert m2t("compress", photo, "good.m2t").code == 0
    good = Path("good.m2t").read_bytes()
    Path("empty.m2t").touch()
    Path("short.m2t").write_bytes(good[:-20])
    Path("folder.m2t").mkdir()
    before = names()
    for name, reason in [
        ("gone.m2t", "gone.m2t: No such file or directory"),
        ("empty.m2t", "empty.m2t: "),
        ("photo.png", "photo.png: not an .m2t file"),
        ("short.m2t", f"short.m2t: truncated at byte {len(good) - 20}"),
        ("folder.m2t", "folder.m2t: is a directory; --recursive takes"),
    ]:
        one_error(m2t("decompress", name, "out.png"), reason)
    for name in ("gone.jpg", "empty.m2t", "good.m2t", "folder.m2t", "."):
        one_error(m2t("compress", name, "out.m2t"), f"{name}: ")
    assert names() == before


def test_bad_output(m2t, photo):
    Path("folder").mkdir()
    one_error(m2t("compress", photo, "folder"), "folder is a directory; --out-dir")
    one_error(m2t("compress", photo, "none/out.m2t"), "none/out.m2t: No such file or directory")
    one_error(m2t("compress", photo, "photo.png/out.m2t"), "Not a directory")
    one_error(m2t("compress", photo, "--out-dir", photo / "x"), "Not a directory")
    assert m2t("compress", photo, "a.m2t").code == 0
    one_error(m2t("decompress", "a.m2t", "a.xyz"), "cannot write .xyz; known: .png")
    Image.new("LA", (3, 3)).save("alpha.png")
    assert m2t("compress", "alpha.png").code == 0
    one_error(m2t("decompress", "alpha.m2t", "alpha.jpg"), "cannot hold transparency")
    assert names() == ["a.m2t", "alpha.m2t", "alpha.png", "folder", "photo.png"]


def test_output_to_a_device_leaves_it_in_place(m2t, photo):
    assert m2t("compress", photo, "/dev/null").code == 0
    assert not Path("/dev/null").is_file()


def test_unknown_model_is_told_once(m2t, photo):
    one_error(m2t("compress", photo, "--out-dir", "x", "--model", "none"), "error: no model none")


def test_usage_errors(m2t, photo):
    for args in [
        ["compress"],
        ["compress", "a", "b", "c"],
        ["compress", photo, "b.jpg"],  # surely two inputs
        ["compress", photo, "-q", 101],
        ["compress", photo, "-", "--json"],
        ["compress", "-", "--out-dir", "x"],
        ["decompress", "a.m2t", "--format", "xyz"],
        ["info"],
        ["nonsense"],
    ]:
        result = m2t(*args)
        assert result.code == 2, args
        assert "Usage: m2t" in result.err
        assert result.out == ""
    assert names() == ["photo.png"]


def test_warnings_are_told(m2t, folder):
    Image.fromarray(np.zeros((2, 2), np.uint16)).save("deep.png")
    result = m2t("compress", "deep.png")
    assert result.code == 0
    assert result.err.startswith("m2t: warning: deep.png: values of 0 to 65535 are reduced to 8")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory: 9 bytes")])
def test_out_of_memory(m2t, photo, monkeypatch, error):
    def compress(*_, **__):
        raise error

    monkeypatch.setattr(fake_codec.Codec, "compress", compress)
    one_error(m2t("compress", photo), "photo.png: out of memory")


def test_bugs_are_not_hidden(m2t, photo, monkeypatch):
    def compress(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(fake_codec.Codec, "compress", compress)
    with pytest.raises(RuntimeError, match="a bug"):
        m2t("compress", photo)


def test_interrupted_write_leaves_nothing(m2t, photo, monkeypatch):
    def replace(*_):
        raise KeyboardInterrupt

    assert m2t("compress", photo, "-q", 9).code == 0
    old = Path("photo.m2t").read_bytes()
    monkeypatch.setattr(Path, "replace", replace)
    assert m2t("compress", photo, "-f").code == 130
    assert Path("photo.m2t").read_bytes() == old
    assert names() == ["photo.m2t", "photo.png"]


def test_control_c(photo):
    command = [*PROGRAM, "compress", photo, "-q", str(fake_codec.SLOW)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().strip() == ""
    assert process.returncode == 130
    assert names() == ["photo.png"]


def test_pipes(photo, pixels):
    packed = subprocess.run(
        [*PROGRAM, "compress", "-", "-"], input=photo.read_bytes(), capture_output=True, check=True
    )
    assert packed.stderr.startswith(b"-: 7x5, ")
    unpacked = subprocess.run(
        [*PROGRAM, "decompress", "-"], input=packed.stdout, capture_output=True, check=True
    )
    assert (np.asarray(Image.open(io.BytesIO(unpacked.stdout))) == pixels).all()
    assert names() == ["photo.png"]


def test_closed_pipe_is_one_line(photo):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)).save(photo)
    with subprocess.Popen(
        [*PROGRAM, "compress", photo, "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b"m2t: error: photo.png: Broken pipe\n"
    assert process.returncode == 1
