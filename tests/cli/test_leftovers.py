"""What killed processes leave in folders, and who removes it. With the fake codec."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from m2t import atomic
from m2t.atomic import remove_leftovers, replacing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs flock")

WRITER = """
import sys
from pathlib import Path
from m2t.atomic import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"whole")
    print("writing", flush=True)
    sys.stdin.read()
"""


@contextmanager
def writing(path: str) -> Iterator[subprocess.Popen]:
    """A process in the middle of a write, which goes on when its input ends."""
    command = [sys.executable, "-c", WRITER, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        yield process


def kill_in_a_write(path: str) -> None:
    with writing(path) as process:
        os.kill(process.pid, signal.SIGKILL)


def names(folder: str = ".") -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def hidden(folder: str = ".") -> list[str]:
    return sorted(name for name in names(folder) if name.startswith("."))


@pytest.mark.parametrize(
    ("options", "place"), [(("photo.m2t",), "."), (("--out-dir", "out"), "out")]
)
def test_the_next_run_removes_what_a_killed_one_left(m2t, photo, options, place):
    Path("out").mkdir()
    for name in ("photo.m2t", "photo.m2t", "a" * 100):
        kill_in_a_write(f"{place}/{name}")
    assert len(hidden(place)) == 3
    assert m2t("compress", photo, *options).code == 0
    assert hidden(place) == []


def test_it_does_so_in_each_folder_that_it_writes_to(m2t, photo):
    for path in ("in/deep", "out/deep", "out/other"):
        Path(path).mkdir(parents=True)
    photo.rename("in/deep/photo.png")
    for place in ("out/deep", "out/other"):
        kill_in_a_write(f"{place}/photo.m2t")
    assert m2t("compress", "in", "-r", "--out-dir", "out").code == 0
    assert hidden("out/deep") == []
    assert len(hidden("out/other")) == 1


def test_what_lives_is_left_alone(m2t, photo):
    with writing("other.m2t") as process:
        (left,) = hidden()
        assert m2t("compress", photo).code == 0
        assert hidden() == [left]
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
    assert Path("other.m2t").read_bytes() == b"whole"
    assert hidden() == []


def test_what_is_done_already_is_no_reason_to_leave_it(m2t, photo):
    Path("in").mkdir()
    photo.rename("in/photo.png")
    assert m2t("compress", "in", "-r", "--out-dir", "out").code == 0
    kill_in_a_write("out/photo.m2t")
    assert m2t("compress", "in", "-r", "--out-dir", "out").code == 0
    assert hidden("out") == []


def test_other_files_are_left_alone(folder):
    kill_in_a_write("photo.m2t")
    (name,) = hidden()
    others = ("x" + name, name + "x", ".tmp", "photo.m2t", f"{name[:-5]}G.tmp", name[10:])
    for other in others:
        Path(other).touch()
    Path(".folder.0123456789abcdef.tmp").mkdir()
    Path(".link.0123456789abcdef.tmp").symlink_to("photo.m2t")
    os.mkfifo(".pipe.0123456789abcdef.tmp")
    before = names()
    remove_leftovers(folder)
    assert before - names() == {name}


def test_folders_that_cannot_be_read_do_no_harm(folder):
    remove_leftovers(folder / "nowhere")
    (folder / "file").touch()
    remove_leftovers(folder / "file")


def test_a_file_that_is_taken_before_its_lock_is_made_anew(folder, monkeypatch):
    """Between making a file and locking it, another process may take it for a leftover."""
    assert atomic.fcntl is not None
    flock, removed = atomic.fcntl.flock, []

    def late(file: int, operation: int) -> None:
        if not removed:
            removed.extend(hidden())
            Path(removed[0]).unlink()
        flock(file, operation)

    monkeypatch.setattr(atomic.fcntl, "flock", late)
    with replacing(folder / "photo.m2t") as temporary:
        temporary.write_bytes(b"whole")
    assert len(removed) == 1
    assert Path("photo.m2t").read_bytes() == b"whole"
    assert hidden() == []


def test_file_systems_without_locks_keep_what_is_left(folder, monkeypatch):
    def refused(file: int, operation: int) -> None:
        raise OSError("no locks")

    kill_in_a_write("photo.m2t")
    assert atomic.fcntl is not None
    monkeypatch.setattr(atomic.fcntl, "flock", refused)
    remove_leftovers(folder)
    assert len(hidden()) == 1
    with replacing(folder / "photo.m2t") as temporary:
        temporary.write_bytes(b"whole")
    assert Path("photo.m2t").read_bytes() == b"whole"
