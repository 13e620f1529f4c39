"""What compress and decompress do to files that are there already, and to odd names."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import fake_codec
import pytest
from PIL import Image

PROGRAM = [sys.executable, fake_codec.__file__]


def save(*paths: str) -> None:
    """A small PNG at each path, whatever its name."""
    for i, path in enumerate(paths):
        Path(path).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 3), (i, 2, 3)).save(path, "PNG")


def mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


@pytest.mark.parametrize("second", ["b.jpg", "b.dng", "b.heic", "IMG_2", "b.m2t"])
def test_a_second_input_is_not_taken_for_the_output(m2t, folder, second):
    save("a.jpg", second)
    before = Path(second).read_bytes()
    result = m2t("compress", "-f", "a.jpg", second)
    assert result.code == 1
    assert "is not an .m2t file, and stays as it is" in result.err
    assert "--out-dir" in result.err
    assert Path(second).read_bytes() == before


@pytest.mark.parametrize("options", [[], ["--format", "png"]])
def test_an_m2t_file_is_not_replaced_by_a_picture(m2t, folder, options):
    save("a.png", "b.png")
    assert m2t("compress", "--out-dir", ".", "a.png", "b.png").code == 0
    before = Path("b.m2t").read_bytes()
    result = m2t("decompress", "-f", *options, "a.m2t", "b.m2t")
    assert result.code == 1
    assert "m2t: error: " in result.err
    assert Path("b.m2t").read_bytes() == before


def test_empty_files_are_replaced(m2t, folder):
    save("a.png")
    Path("a.m2t").touch()
    assert m2t("compress", "a.png").code == 1
    assert m2t("compress", "-f", "a.png").code == 0
    Path("b.png").touch()
    assert m2t("decompress", "-f", "a.m2t", "b.png").code == 0
    assert Path("b.png").stat().st_size > 0


def test_inputs_with_one_output_are_named_and_the_others_made(m2t, folder):
    save("a/1.png", "b/1.jpg", "a/2.png", "c/1.webp")
    result = m2t("compress", "--out-dir", "x", "a/1.png", "b/1.jpg", "a/2.png", "c/1.webp")
    assert result.code == 1
    assert "m2t: error: a/1.png: would become x/1.m2t, as would b/1.jpg, c/1.webp" in result.err
    assert "m2t: error: c/1.webp: would become x/1.m2t, as would a/1.png, b/1.jpg" in result.err
    assert [path.name for path in Path("x").iterdir()] == ["2.m2t"]


def test_the_same_input_twice_is_told(m2t, folder):
    save("a.png")
    result = m2t("compress", "--out-dir", "x", "a.png", "a.png")
    assert (result.code, result.err.count("as would a.png")) == (1, 2)


def test_a_file_may_be_called_dash(m2t, folder):
    save("-", "a.png")
    assert m2t("compress", "./-", "x.m2t").code == 0
    Path("-").unlink()
    assert m2t("compress", "a.png", "./-").code == 0
    assert Path("-").read_bytes().startswith(b"\x89m2t")


def test_a_private_file_stays_private(m2t, folder):
    save("a.png", "b.png")
    before = os.umask(0o022)
    try:
        Path("a.m2t").touch(0o600)
        assert m2t("compress", "-f", "--out-dir", ".", "a.png", "b.png").code == 0
    finally:
        os.umask(before)
    assert (mode("a.m2t"), mode("b.m2t")) == (0o600, 0o644)


def test_a_link_stays_a_link(m2t, folder):
    save("a.png")
    Path("real.m2t").touch()
    Path("a.m2t").symlink_to("real.m2t")
    assert m2t("compress", "-f", "a.png").code == 0
    assert Path("a.m2t").is_symlink()
    assert Path("real.m2t").stat().st_size > 0


@pytest.mark.parametrize("options", [[], ["-f"]])
def test_links_in_a_circle_are_one_line_and_others_go_on(m2t, photo, options):
    Path("out").mkdir()
    Path("out/photo.m2t").symlink_to("b.m2t")
    Path("out/b.m2t").symlink_to("photo.m2t")
    shutil.copy(photo, "other.png")
    result = m2t("compress", photo, "other.png", "--out-dir", "out", *options)
    assert result.code == 1
    [error] = [line for line in result.err.splitlines() if "error" in line]
    assert error.startswith("m2t: error: photo.png: cannot write out/photo.m2t: Too many levels")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        *("b.m2t", "other.m2t", "photo.m2t"),
    ]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_may_be_closed(folder, closed):
    save("a.png")
    command = f'exec "$0" "$@" {closed}'
    made = subprocess.run(["sh", "-c", command, *PROGRAM, "compress", "a.png"], check=False)
    assert made.returncode == 0
    assert Path("a.m2t").read_bytes().startswith(b"\x89m2t")


@pytest.mark.parametrize(
    ("closed", "args"), [("<&-", ["-", "x.m2t"]), (">&-", ["a.png", "-"])], ids=["in", "out"]
)
def test_a_closed_stream_that_is_needed_is_one_line(folder, closed, args):
    save("a.png")
    command = f'exec "$0" "$@" {closed}'
    made = subprocess.run(
        ["sh", "-c", command, *PROGRAM, "compress", *args],
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert made.returncode == 1
    assert "standard" in made.stderr
    assert "is closed" in made.stderr
    assert made.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_named(m2t, folder):
    save("a.png")
    result = m2t("compress", "--out-dir", "/proc/nothing", "a.png")
    assert result.code == 1
    assert result.err == "m2t: error: cannot make /proc/nothing: No such file or directory\n"
