"""Folders by several processes, stopped and killed: real processes, most with the real codec."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_codec
import pytest
from PIL import Image

from tests.conftest import TINY, photograph

PROGRAM = [sys.executable, "-m", "m2t"]
FAKE = [sys.executable, fake_codec.__file__]
NUM_PHOTOS = 12


def compress(out: str, *options: object) -> list[str]:
    command = ["compress", "in", "-r", "--out-dir", out, "--ledger", f"{out}/ledger"]
    return [*PROGRAM, *command, "--effort", "0", "--model", str(TINY), *map(str, options)]


def tree(folder: str | Path) -> dict[str, bytes]:
    """Path below a folder -> content, but for the ledger."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.suffix}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Photographs in two folders below `in`, and what one process makes of them, in `out`."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(NUM_PHOTOS):
        path = folder / "in" / str(i % 2) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(90 + 10 * i, 120, seed=i).save(path)
    subprocess.run(compress("out"), check=True, capture_output=True, cwd=folder)
    return folder


@pytest.fixture
def photos(originals, folder):
    """The photographs in the current folder; gives what one process makes of them."""
    shutil.copytree(originals / "in", folder / "in")
    wanted = tree(originals / "out")
    assert len(wanted) == NUM_PHOTOS
    return wanted


def begun(command: list[str]) -> subprocess.Popen[str]:
    """A run in a session of its own, as a shell starts it, whose first file is there."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not any(Path("out").rglob("*.m2t")):
        assert process.poll() is None
        time.sleep(0.005)
    return process


def test_two_processes_make_the_same_bytes(photos):
    subprocess.run(compress("out", "--jobs", 2), check=True, capture_output=True)
    assert tree("out") == photos
    back = [*PROGRAM, "decompress", "-r", "--model", str(TINY)]
    for jobs in ("1", "2"):
        command = [*back, "--jobs", jobs, "--out-dir", f"back{jobs}", "out"]
        subprocess.run(command, check=True, capture_output=True)
    assert len(tree("back1")) == NUM_PHOTOS
    assert tree("back1") == tree("back2")


@pytest.mark.parametrize("jobs", [1, 2])
def test_control_c_and_the_same_command_again(photos, jobs):
    process = begun(compress("out", "--jobs", jobs))
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert " made" in told
    made = tree("out")
    assert 0 < len(made) < NUM_PHOTOS
    assert made.items() <= photos.items()
    again = subprocess.run(
        compress("out", "--jobs", jobs), check=True, stderr=subprocess.PIPE, text=True
    )
    assert f"{NUM_PHOTOS - len(made)} made of " in again.stderr
    assert f"{len(made)} done already" in again.stderr
    assert tree("out") == photos


@pytest.mark.parametrize("milliseconds", [0, 20, 70])
def test_killed_at_any_moment(photos, milliseconds):
    process = begun(compress("out", "--jobs", 2))
    time.sleep(milliseconds / 1000)
    process.kill()
    process.communicate(timeout=60)  # its workers have ended, too: they would keep stderr open
    made = {name: data for name, data in tree("out").items() if name.endswith(".m2t")}
    assert made.items() <= photos.items()
    subprocess.run(compress("out", "--jobs", 2), check=True, capture_output=True)
    assert tree("out") == photos  # with nothing hidden that the killed one left


def test_a_bad_file_among_good_ones(photos):
    Path("in/0/bad.png").write_bytes(b"nonsense")
    made = subprocess.run(
        compress("out", "--jobs", 2), check=False, stderr=subprocess.PIPE, text=True
    )
    assert made.returncode == 1
    *errors, last = made.stderr.splitlines()
    assert errors == ["m2t: error: in/0/bad.png: not an image of a known format"]
    assert last.startswith(f"{NUM_PHOTOS} made of ")
    assert tree("out") == photos


def test_a_process_that_dies_costs_its_file_alone(folder):
    Path("in").mkdir()
    for i in range(6):
        size = fake_codec.DEADLY if i in (1, 2) else (4, 3)
        Image.new("RGB", size, (i, 2, 3)).save(f"in/{i}.png")
    command = [*FAKE, "compress", "in", "-r", "--out-dir", "out", "-j", "2", "--json"]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 1
    reason = "its process ended with code 7; fewer --jobs take less memory"
    *errors, last = made.stderr.splitlines()
    assert sorted(errors) == [f"m2t: error: in/{i}.png: {reason}" for i in (1, 2)]
    assert last.startswith("4 made of ")
    rows = [json.loads(line) for line in made.stdout.splitlines()]
    assert sorted(row["input"] for row in rows) == [f"in/{i}.png" for i in range(6)]


def test_what_no_process_can_load_is_told_once(folder):
    Path("in").mkdir()
    for i in range(3):
        Image.new("RGB", (4, 3)).save(f"in/{i}.png")
    command = [*PROGRAM, "compress", "in", "-r", "--out-dir", "out", "-j", "2", "--model", "none"]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 1
    assert made.stderr.count("m2t: error: ") == 1
    assert "Traceback" not in made.stderr
    assert tree("out") == {}


def test_several_named_files_by_several_processes(folder):
    names = [f"{i}.png" for i in range(4)]
    for name in names:
        Image.new("RGB", (4, 3)).save(name)
    made = subprocess.run(
        [*FAKE, "compress", *names, "--out-dir", "out", "-j", "2"],
        check=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert sorted(line.split(":")[0] for line in made.stderr.splitlines()) == names
    assert len(tree("out")) == 4
    verified = subprocess.run([*FAKE, "verify", "out", "-r", "-j", "2"], check=False)
    assert verified.returncode == 0
