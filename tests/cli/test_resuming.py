"""What is done already: by times, files, the ledger, or content. Without networks."""

import json
import os
import time
from pathlib import Path

import fake_codec
import pytest
from trees import LEDGER, rows, save

from m2t.container.file import parse_header


def test_what_is_done_is_skipped_by_time(compress):
    save("in/a.png", "in/b.png")
    compress()
    assert compress() == "0 made; 2 done already; 0 failed"
    later = time.time() + 10
    os.utime("in/a.png", (later, later))
    assert compress().endswith("; 1 done already; 0 failed")
    assert Path("out/a.m2t").stat().st_mtime == pytest.approx(later)
    Path("out/b.m2t").write_bytes(b"")
    assert compress().endswith("; 1 done already; 0 failed")
    assert compress("-f").startswith("2 made")
    assert compress("-q", 70).startswith("2 made")
    assert parse_header(Path("out/a.m2t").read_bytes()).quality == 70
    assert compress("-q", 70) == "0 made; 2 done already; 0 failed"


# What makes another file: (before, then).
TOLD_BY_FILES = [
    (("--tune", "psnr"), ()),
    ((), ("--tune", "psnr")),
    ((), ("--progressive",)),
    (("--layers", 3), ("--progressive",)),
    (("--progressive",), ()),
    ((), ("--strip",)),
    (("--strip",), ("--strip-all",)),
]
TOLD_BY_LEDGERS = [
    ((), ("--effort", 3)),
    (("--strip-all",), ()),
    (("--model", "fake"), ()),
]
THE_SAME = [
    ((), ("--tune", "eye")),
    (("--progressive",), ("--layers", 4)),
    ((), ("--quality", 50, "--effort", 1, "--no-verify", "--max-pixels", 1000)),
    (("--model", "fake"), ("--model", "fake", "--threads", 1)),
]


@pytest.mark.parametrize("ledger", [(), LEDGER])
@pytest.mark.parametrize(("before", "then"), TOLD_BY_FILES)
def test_files_made_otherwise_are_made_again(compress, ledger, before, then):
    save("in/a.png", icc_profile=b"profile", dpi=(300, 300))
    compress(*ledger, *before)
    assert compress(*ledger, *then).startswith("1 made")
    assert compress(*ledger, *then) == "0 made; 1 done already; 0 failed"


@pytest.mark.parametrize("by", [(), ("--checksum",)])
@pytest.mark.parametrize(("before", "then"), TOLD_BY_LEDGERS)
def test_a_ledger_tells_the_other_options(compress, before, then, by):
    save("in/a.png", icc_profile=b"profile")
    compress(*LEDGER, *before)
    assert compress(*then) == "0 made; 1 done already; 0 failed"  # the file does not tell
    assert compress(*LEDGER, *by, *then).startswith("1 made")
    assert compress(*LEDGER, *by, *then) == "0 made; 1 done already; 0 failed"


@pytest.mark.parametrize("ledger", [(), LEDGER])
@pytest.mark.parametrize(("before", "then"), THE_SAME)
def test_the_same_in_other_words_is_done(compress, ledger, before, then):
    save("in/a.png")
    compress(*ledger, *before)
    assert compress(*ledger, *then) == "0 made; 1 done already; 0 failed"


def test_files_of_other_weights_are_made_again(compress, monkeypatch):
    save("in/a.png")
    compress()
    monkeypatch.setattr(fake_codec.Codec, "identity", b"trainedd")
    assert compress() == "0 made; 1 done already; 0 failed"  # whatever weights these were
    assert compress("--model", "fake").startswith("1 made")
    result = compress("--model", "none", code=1)
    assert result == ""


def test_rows_without_options_are_believed(compress):
    save("in/a.png")
    compress(*LEDGER)
    [row] = rows()
    assert row.pop("options") == {"effort": 1, "keep": None, "model": None, "target": None}
    Path("ledger").write_text(json.dumps(row) + "\n")
    assert compress(*LEDGER, "--effort", 3) == "0 made; 1 done already; 0 failed"
    assert compress(*LEDGER, "--layers", 3).startswith("1 made")


@pytest.mark.parametrize("num_bytes", [60, 10, 0])
def test_files_that_end_before_their_first_layer_are_made_again(compress, num_bytes):
    save("in/a.png")
    compress("--progressive", "--no-preserve")
    path = Path("out/a.m2t")
    path.write_bytes(path.read_bytes()[:num_bytes])
    assert compress("--progressive").startswith("1 made")


def test_pictures_of_another_view_are_made_again_by_the_ledger(compress, m2t):
    save("in/a.png")
    compress()
    back = ("decompress", "out", "--out-dir", "back", "-r", *LEDGER)
    assert m2t(*back).err.startswith("1 made")
    assert m2t(*back).err.startswith("0 made; 1 done already")
    for view in (["--scale", "1/2"], ["--region", "0,0,1,1"], ["--upto", 1]):
        assert m2t(*back, *view).err.startswith("1 made"), view
        assert m2t(*back, *view).err.startswith("0 made; 1 done already")


def test_what_is_done_is_skipped_by_the_ledger(compress):
    save("in/a.png", "in/b.png")
    compress(*LEDGER)
    assert compress(*LEDGER) == "0 made; 2 done already; 0 failed"
    os.utime("in/a.png", (1, 1))  # older, but not what the ledger says
    assert compress() == "0 made; 2 done already; 0 failed"
    assert compress(*LEDGER).endswith("; 1 done already; 0 failed")
    Path("out/b.m2t").unlink()
    assert compress(*LEDGER).endswith("; 1 done already; 0 failed")
    with Path("ledger").open("a") as file:
        file.write('{"input": "in/a.p')  # a run was killed here
    assert compress(*LEDGER) == "0 made; 2 done already; 0 failed"
    Path("in/b.png").touch()
    compress(*LEDGER)
    assert json.loads(Path("ledger").read_text().splitlines()[-1])["input"] == "in/b.png"


def test_what_is_done_is_skipped_by_content(compress):
    save("in/a.png", "in/b.png")
    compress(*LEDGER)
    Path("in/a.png").touch()
    before = Path("in/b.png").stat()
    Path("in/b.png").write_bytes(Path("in/a.png").read_bytes())
    os.utime("in/b.png", ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert compress(*LEDGER, "--checksum").endswith("; 1 done already; 0 failed")
    assert rows()[-1]["sha256"] == rows()[0]["sha256"]
    assert compress(*LEDGER) == "0 made; 2 done already; 0 failed"  # the new time was written


def test_another_file_is_no_ledger(compress):
    save("in/a.png")
    before = Path("in/a.png").read_bytes()
    assert compress("--ledger", "in/a.png", code=1) == ""
    assert Path("in/a.png").read_bytes() == before
    Path("torn").write_text('{"inp')  # killed in the very first line
    assert compress("--ledger", "torn").startswith("1 made")
    Path("empty").touch()
    assert compress("--ledger", "empty") == "0 made; 1 done already; 0 failed"
