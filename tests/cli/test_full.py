"""Disks that are full in the middle of a write, as a limit of a file's size imitates them."""

import json
import subprocess
import sys
from pathlib import Path

import fake_codec
import pytest
from PIL import Image

resource = pytest.importorskip("resource", reason="Windows has no such limit")

PROGRAM = [sys.executable, fake_codec.__file__]
ROW = 300
"""Bytes that hold a tiny file of the fake codec, and no row of a ledger."""


def run(limit: int | None, *args: str) -> "subprocess.CompletedProcess[str]":
    """A command line, where no file gets longer than so many bytes."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [*PROGRAM, *args], check=False, capture_output=True, text=True, preexec_fn=limited
    )


def test_what_does_not_fit_leaves_nothing(photo):
    made = run(100, "compress", str(photo))
    assert made.returncode == 1
    assert "m2t: error: photo.png: cannot write " in made.stderr
    assert made.stderr.endswith("photo.m2t: File too large\n")
    assert [path.name for path in Path().iterdir()] == ["photo.png"]


def test_a_row_that_is_cut_is_told_and_the_next_run_goes_on(folder):
    Path("in").mkdir()
    for i in range(3):
        Image.new("RGB", (4, 3), (i, 2, 3)).save(f"in/{i}.png")
    command = ("compress", "in", "-r", "--out-dir", "out", "--ledger", "ledger")
    made = run(ROW, *command)
    assert made.returncode == 1
    assert made.stderr.count("m2t: error: ") == 1
    assert "m2t: error: ledger: cannot be written: File too large\n" in made.stderr
    assert 0 < len(Path("ledger").read_bytes()) <= ROW
    made_files = sorted(path.name for path in Path("out").iterdir())
    assert made_files == ["0.m2t", "1.m2t", "2.m2t"]
    Path("out/1.m2t").unlink()
    again = run(None, *command)
    assert again.returncode == 0
    assert "1 made" in again.stderr
    assert "2 done already" in again.stderr
    torn, *rows = Path("ledger").read_text().splitlines()
    with pytest.raises(json.JSONDecodeError):
        json.loads(torn)
    assert [json.loads(row)["output"] for row in rows] == ["out/1.m2t"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("options", [("--json",), ("-",)])
def test_standard_output_that_is_full_is_one_line(photo, options):
    with Path("/dev/full").open("wb") as full:
        made = subprocess.run(
            [*PROGRAM, "compress", str(photo), *options],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert made.returncode == 1
    (line,) = made.stderr.splitlines()
    assert line.startswith("m2t: error: ")
    assert line.endswith("No space left on device")
