"""Archives: what is taken, what is left to be done, what is written. Without processes."""

import errno
import sys
from pathlib import Path

import pytest
from bulk_inline import rows, save, tree
from PIL import Image

from m2t.cli import main
from m2t.container import parse_header
from tests.conftest import TINY

pytest.importorskip("ray", reason="needs 'm2t[cluster]'")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def test_a_tree_there_and_back(bulk, m2t):
    save("in/a.png", "in/b/c.jpg", "in/b/d/F.PNG")
    Path("in/notes.txt").touch()
    Path("in/.hidden.png").touch()
    assert bulk("in", "out").startswith("3 made of ")
    assert tree("out", ".m2t") == ["a.m2t", "b/c.m2t", "b/d/F.m2t"]
    for row in rows():
        path = Path(row["output"])
        assert m2t("compress", row["input"], "single.m2t", "-f").code == 0
        assert path.read_bytes() == Path("single.m2t").read_bytes()
        assert row["output_bytes"] == row["bytes"] == path.stat().st_size
        assert (row["width"], row["height"], row["quality"]) == (4, 3, 50)
        assert len(row["sha256"]) == len(row["latents_sha256"]) == 64
        assert row["error"] is None
    assert bulk("verify", "out").startswith("3 sound; 0 failed; ")
    assert bulk("decompress", "out", "back").startswith("3 made")
    assert tree("back", ".png") == ["a.png", "b/c.png", "b/d/F.png"]


def test_the_same_command_again_does_what_is_left(bulk):
    save("in/a.png", "in/b.png", "in/c.png")
    bulk("in", "out", "--batch", "2")
    before = {name: Path("out", name).stat().st_mtime_ns for name in tree("out", ".m2t")}
    assert bulk("in", "out") == "0 made; 3 done already; 0 failed"
    Path("out/b.m2t").unlink()  # lost
    Path("out/c.m2t").write_bytes(b"torn")  # by another hand
    save("in/d.png")
    assert bulk("in", "out").startswith("3 made")
    assert Path("out/a.m2t").stat().st_mtime_ns == before["a.m2t"]
    save("in/a.png", size=(5, 5))  # changed
    assert bulk("in", "out").startswith("1 made")
    assert bulk("in", "out", "-q", "60").startswith("4 made")
    assert bulk("in", "out", "-q", "60", "-f").startswith("4 made")


def test_what_was_made_with_other_options_is_made_again(bulk):
    save("in/a.png")
    assert bulk("in", "out").startswith("1 made")
    for options in (["--effort", "2"], ["--tune", "psnr"], ["--layers", "3"], ["--strip"]):
        assert bulk("in", "out", *options).startswith("1 made"), options
        assert bulk("in", "out", *options).startswith("0 made; 1 done already"), options
    assert bulk("in", "out", "--model", "fake").startswith("1 made")
    assert [row["layers"] for row in rows()] == [1, 1, 1, 3, 1, 1]
    assert bulk("decompress", "out", "back").startswith("1 made")
    assert bulk("decompress", "out", "back").startswith("0 made; 1 done already")
    save("back/a.webp")
    before = Path("back/a.webp").read_bytes()
    assert bulk("decompress", "out", "back", "--format", "webp", code=1).startswith("0 made")
    assert "a.webp is there already" in bulk.err  # of another hand
    assert Path("back/a.webp").read_bytes() == before


def test_lossless_files(folder, inline, capsys):
    """As `m2t compress` makes them, and made again where the choice is another one."""
    save("in/a.png", size=(40, 30))

    def sums(*args):
        assert main(["bulk", *args, "-j", "1"]) == 0
        return capsys.readouterr().err.splitlines()[-1]

    few = ["--model", str(TINY), "--effort", "0"]
    for choice in ("always", "never"):
        options = [*few, "--lossless", choice]
        assert sums("in", "out", *options).startswith("1 made")
        assert sums("in", "out", *options).startswith("0 made; 1 done already")
        assert main(["compress", "in/a.png", "single.m2t", "-f", *options]) == 0
        capsys.readouterr()
        assert Path("out/a.m2t").read_bytes() == Path("single.m2t").read_bytes()
        is_lossless = choice == "always"
        row = rows()[-1]
        assert row["lossless"] == is_lossless
        told = (row["model"] is None, row["layers"] is None, row["latents_sha256"] is None)
        assert told == (is_lossless,) * 3
    assert sums("in", "exact", *few, "--lossless", "always").startswith("1 made")
    assert sums("in", "exact", *few, "-q", "100").startswith("0 made; 1 done already")
    assert sums("verify", "exact").startswith("1 sound")
    assert sums("decompress", "exact", "back").startswith("1 made")
    with Image.open("in/a.png") as before, Image.open("back/a.png") as after:
        assert before.tobytes() == after.tobytes()
    assert sums("transcode", "exact", "same", *few).startswith("1 made")
    assert Path("same/a.m2t").read_bytes() == Path("exact/a.m2t").read_bytes()
    assert sums("transcode", "exact", "tokens", *few, "--lossless", "never").startswith("1 made")
    assert not parse_header(Path("tokens/a.m2t").read_bytes()).lossless


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can tell there what is left")
def test_what_killed_workers_left_is_removed(bulk):
    save("in/b/a.png")
    bulk("in", "out")
    left = [Path(f"out/{folder}.a.m2t.{'0f' * 8}.tmp") for folder in ("", "b/", "ledger/")]
    for path in left:
        path.touch()
    bulk("in", "out")
    assert not any(path.exists() for path in left)


def test_failures_are_listed_and_tried_again(bulk):
    save("in/a.png", "in/b.png", "in/b.bmp", "in/z.png")
    Path("in/bad.png").write_bytes(b"no picture")
    Path("in/deadly.png").write_bytes(b"deadly")
    Path("in/gone.png").symlink_to("nowhere")
    assert "; 5 failed" in bulk("in", "out", code=1)
    lines = bulk.err.splitlines()[:-1]
    assert all(line.startswith("m2t: error: ") for line in lines)
    assert any("in/b.png: would become b.m2t, as would" in line for line in lines)
    assert any("deadly.png: its process was killed by signal 9; it may" in line for line in lines)
    assert any("gone.png: No such file" in line for line in lines)
    assert tree("out", ".m2t") == ["a.m2t", "z.m2t"]
    failed = [row for row in rows() if row["error"]]
    assert sorted(Path(row["input"]).name for row in failed) == [
        *("b.bmp", "b.png", "bad.png", "deadly.png"),
    ]
    save("in/bad.png")
    Path("in/b.bmp").unlink()
    assert bulk("in", "out", code=1).startswith("2 made")


def test_a_full_disk(bulk, monkeypatch):
    """What cannot be written is listed, and leaves nothing behind; there is room the next time."""
    save("in/a.png", "in/b.png")

    write = Path.write_bytes

    def nearly_full(path, data):
        if ".a.m2t" not in path.name:
            return write(path, data)
        write(path, data[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", nearly_full)
        assert "; 1 failed" in bulk("in", "out", code=1)
    assert "a.png: cannot write" in bulk.err
    assert "No space left on device" in bulk.err
    assert tree("out")[:1] == ["b.m2t"]
    assert bulk("in", "out").startswith("1 made of ")


def test_what_a_killed_run_made_is_no_trouble(bulk):
    save("in/a.png", "in/b.png")
    bulk("in", "out")
    bulk("decompress", "out", "back")
    for part in Path("back/ledger").glob("*"):
        part.unlink()  # killed before it was written
    Path("back/b.png").write_bytes(b"mine")
    assert bulk("decompress", "out", "back", code=1).startswith("1 made")
    assert "b.png is there already" in bulk.err
    assert Path("back/b.png").read_bytes() == b"mine"
    assert bulk("decompress", "out", "back", "-f").startswith("2 made")


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
def test_a_manifest(bulk, folder, name):
    save("in/a.png", "in/b/c.png", "in/d.png")
    paths = ["in/a.png", str(folder / "in/b/c.png"), "in/a.png", "../up.png", "in/none.png"]
    if name.endswith("csv"):
        Path(name).write_text("id,path\n" + "".join(f"{i},{p}\n" for i, p in enumerate(paths)))
    else:
        parquet.write_table(pyarrow.table({"path": paths}), name)
    assert bulk(name, "out", code=1).startswith("2 made")
    assert "; 2 failed" in bulk.err
    assert tree("out", ".m2t") == ["in/a.m2t", "in/b/c.m2t"]
    assert bulk(name, "out", code=1).startswith("0 made; 2 done already; 2 failed")


def test_a_pattern_and_a_single_file(bulk):
    save("in/a.png", "in/b/c.png", "in/b/d.jpg")
    assert bulk("in/*/*.png", "out").startswith("1 made")
    assert tree("out", ".m2t") == ["b/c.m2t"]
    assert bulk("in/a.png", "one").startswith("1 made")
    assert tree("one", ".m2t") == ["a.m2t"]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["nothing", "out"], "nothing: no such folder, pattern or manifest"),
        (["in/*.jpg", "out"], "in/*.jpg: no such folder, pattern or manifest"),
        (["nowhere://bucket/x", "out"], "nowhere://bucket/x: "),
        (["bad.csv", "out"], "bad.csv has no column path, input or url"),
        (["bad.parquet", "out"], "bad.parquet is no Parquet file"),
        (["in", "out", "--model", "none"], "no model none"),
        (["in", "taken/x"], "taken/x/ledger: Not a directory"),
        (["in", "foreign"], "is no part of a ledger, and stays as it is"),
    ],
)
def test_bad_input_is_told_in_one_line(bulk, args, text):
    save("in/a.png")
    Path("bad.csv").write_text("name\na.png\n")
    Path("bad.parquet").write_text("no")
    Path("taken").touch()
    Path("foreign/ledger").mkdir(parents=True)
    Path("foreign/ledger/part-000000-x.parquet").write_bytes(b"mine")
    bulk(*args, code=1)
    line = [line for line in bulk.err.splitlines() if line.startswith("m2t: ")]
    assert len(line) == 1
    assert text in line[0]
    assert Path("foreign/ledger/part-000000-x.parquet").read_bytes() == b"mine"
