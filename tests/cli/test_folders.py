"""Folders: what is taken from them, what becomes of it, what is told. Without networks."""

import errno
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import fake_codec
import pytest
from trees import LEDGER, rows, save, tree

from m2t.container import parse
from m2t.errors import OutputError

PROGRAM = [sys.executable, fake_codec.__file__]


def test_the_tree_is_kept_there_and_back(compress, m2t):
    save("in/a.png", "in/b/c.jpg", "in/b/d/e.webp", "in/b/d/F.PNG")
    assert compress().startswith("4 made of ")
    assert list(tree("out")) == ["a.m2t", "b/c.m2t", "b/d/F.m2t", "b/d/e.m2t"]
    assert m2t("verify", "out", "--recursive").err.startswith("4 sound; 0 failed; ")
    assert m2t("decompress", "out", "--out-dir", "back", "--recursive").code == 0
    assert list(tree("back")) == ["a.png", "b/c.png", "b/d/F.png", "b/d/e.png"]


def test_what_is_no_picture_is_left_out_and_counted(compress):
    save("in/a.png", "in/.hidden.png", "in/.git/b.png", "elsewhere/c.png")
    Path("in/notes.txt").touch()
    os.mkfifo("in/pipe.png")
    Path("in/there").symlink_to("../elsewhere")
    Path("in/self").symlink_to(".")
    Path("in/link.png").symlink_to("../elsewhere/c.png")
    told = compress()
    assert told.startswith("2 made")
    assert told.endswith("; 0 failed; 6 left out")
    assert list(tree("out")) == ["a.m2t", "link.m2t"]


def test_the_output_is_no_input(m2t, folder):
    save("a.png", "b.png")
    assert m2t("compress", ".", "--out-dir", "out", "-r").code == 0
    assert m2t("decompress", ".", "--out-dir", "out/back", "-r").code == 0
    assert m2t("compress", ".", "--out-dir", "out", "-r").err.startswith("0 made; 2 done already")


def test_failures_come_last_and_the_others_are_made(m2t, folder):
    save("in/a.png", "in/z.png", "in/same.png", "in/same.jpg")
    Path("in/bad.png").write_bytes(b"nonsense")
    Path("in/gone.png").symlink_to("nothing")
    Path("in/loop.png").symlink_to("loop.png")
    Path("in/dir.png").mkdir()
    result = m2t("compress", "in", "--out-dir", "out", "-r", *LEDGER, "--json")
    assert result.code == 1
    *errors, last = result.err.splitlines()
    assert sorted(errors) == [
        "m2t: error: in/bad.png: not an image of a known format",
        "m2t: error: in/gone.png: No such file or directory",
        "m2t: error: in/loop.png: Too many levels of symbolic links",
        "m2t: error: in/same.jpg: would become out/same.m2t, as would in/same.png",
        "m2t: error: in/same.png: would become out/same.m2t, as would in/same.jpg",
    ]
    assert last.startswith("2 made of ")
    assert "; 5 failed; " in last
    assert [json.loads(line) for line in result.out.splitlines()] == rows()
    assert sum("error" in row for row in rows()) == 5


def test_an_unreadable_folder_is_a_failure(compress, monkeypatch):
    def scandir(path):
        if path.name == "closed":  # root could read it whatever its mode
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    save("in/a.png", "in/closed/b.png", "in/open/c.png")
    assert compress(*LEDGER, code=1).startswith("2 made")
    assert {"input": "in/closed", "error": "Permission denied"} in rows()


def test_bugs_stop_no_run(compress, monkeypatch):
    def compress_(*_, **__):
        raise KeyError("a bug")

    save("in/a.png", "in/b.png")
    monkeypatch.setattr(fake_codec.Codec, "compress", compress_)
    assert compress(*LEDGER, code=1) == "0 made; 2 failed"
    assert rows()[0]["error"] == "unexpected KeyError: 'a bug'"


def test_a_ledger_that_cannot_be_written_stops_no_run(compress, monkeypatch):
    def add(*_):
        raise OutputError("cannot be written: No space left on device")

    save("in/a.png", "in/b.png")
    monkeypatch.setattr("m2t.cli.ledger.Ledger.add", add)
    assert compress(*LEDGER, code=1).endswith("; 1 failed")
    assert list(tree("out")) == ["a.m2t", "b.m2t"]


def test_a_damaged_result_is_not_kept(compress, monkeypatch):
    def verified(*_):
        raise fake_codec.UnknownModel("cannot be decoded")

    save("in/a.png")
    monkeypatch.setattr(fake_codec.Codec, "verified", verified)
    assert compress(code=1) == "0 made; 1 failed"
    assert tree("out") == {}
    assert compress("--no-verify").startswith("1 made")


def test_in_place(m2t, folder):
    save("in/a.png", "in/b/c.jpg")
    options = ("in", "--out-dir", "in", "-r")
    assert m2t("compress", *options).err.startswith("2 made")
    assert list(tree("in")) == ["a.m2t", "a.png", "b/c.jpg", "b/c.m2t"]
    assert m2t("compress", *options).err.startswith("0 made; 2 done already; 0 failed; 2 left out")


def test_somebody_s_own_pictures_are_not_replaced(compress, m2t):
    save("in/a.png")
    compress("--no-preserve")
    save("back/a.png")
    os.utime("back/a.png", (1, 1))
    before = tree("back")
    result = m2t("decompress", "out", "--out-dir", "back", "-r")
    assert result.code == 1
    assert "out/a.m2t: back/a.png exists already; -f overwrites it" in result.err
    assert tree("back") == before
    assert m2t("decompress", "out", "--out-dir", "back", "-r", "-f", *LEDGER).code == 0
    os.utime("out/a.m2t", (2, 2))  # now it is one of ours
    assert m2t("decompress", "out", "--out-dir", "back", "-r", *LEDGER).err.startswith("1 made")


@pytest.mark.parametrize("options", [[], ["--preserve"], ["--no-preserve"]])
def test_modification_time(m2t, folder, options):
    save("a.png")
    os.utime("a.png", (1e9, 1e9))
    assert m2t("compress", "a.png", *options).code == 0
    kept = Path("a.m2t").stat().st_mtime == 1e9
    assert kept == (options != ["--no-preserve"])


def test_strip(m2t, folder):
    save("a.png", icc_profile=b"profile", dpi=(300, 300))
    kept = []
    for options in ([], ["--strip"], ["--strip-all"]):
        assert m2t("compress", "a.png", "-f", *options).code == 0
        kept.append(sorted(parse(Path("a.m2t").read_bytes()).metadata))
    assert kept == [["dpi", "icc"], ["icc"], []]


def test_several_folders_become_one(m2t, folder):
    save("p/x/1.png", "q/x/2.png", "p/x/3.png", "q/x/3.jpg", "4.png")
    result = m2t("compress", "p", "q", "4.png", "--out-dir", "out", "-r")
    assert result.code == 1
    assert list(tree("out")) == ["4.m2t", "x/1.m2t", "x/2.m2t"]
    assert "p/x/3.png: would become out/x/3.m2t, as would q/x/3.jpg" in result.err


def test_usage(m2t, folder):
    save("in/a.png")
    for args in (
        ["compress", "in", "-r"],
        ["compress", "in", "-r", "--out-dir", "out", "--checksum"],
        ["compress", "-", "-r", "--out-dir", "out"],
        ["compress", "in", "-r", "--out-dir", "out", "--jobs", 0],
    ):
        assert m2t(*args).code == 2, args
    for args in (["compress", "in"], ["compress", "in", "--out-dir", "out"], ["verify", "in"]):
        result = m2t(*args)
        assert (result.code, result.err) == (
            1,
            "m2t: error: in: is a directory; --recursive takes the files in it\n",
        )
    result = m2t("compress", "in", "-r", "--out-dir", "out", "--ledger", "in/a.png/ledger")
    assert result.code == 1
    assert result.err.splitlines()[-1].startswith("m2t: error: cannot make in/a.png")
    assert not Path("out").exists()


def test_a_bar_on_a_terminal_only(folder):
    save("in/a.png", "in/b.png")
    args = [*PROGRAM, "compress", "in", "-r", "--out-dir", "out"]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    made = subprocess.run(args, check=True, stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    told = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert made.stdout == b""
    assert "0/2 files |" in told
    assert " left" in told
    silent = subprocess.run([*args, "-f"], check=True, stderr=subprocess.PIPE)
    assert b"|" not in silent.stderr
