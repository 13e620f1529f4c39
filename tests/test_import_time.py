"""Help and info are instant, which they are only without PyTorch and NumPy."""

import json
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import m2t
from m2t.cli import COMMANDS
from m2t.container import Bitstream, Header, Strip

HEAVY = ("torch", "numpy", "PIL", "tqdm", "safetensors", "ray", "pyarrow", "fsspec")


def imported(code: str) -> list[str]:
    """Which heavy packages `code` imports, in a new process."""
    ask = f"import sys, json; print(); print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    command = [sys.executable, "-c", f"{code}\n{ask}"]
    result = subprocess.run(command, capture_output=True, check=True, text=True)
    return json.loads(result.stdout.splitlines()[-1])


def test_import_is_light():
    assert imported("import m2t; m2t.__version__, dir(m2t), m2t.M2TError") == []


@pytest.mark.parametrize(
    "args",
    [["--help"], ["-V"], *([name, "--help"] for name in COMMANDS), ["bulk", "verify", "--help"]],
)
def test_help_is_light(args):
    assert imported(f"from m2t.cli import main; assert main({args}) == 0") == []


def test_info_is_light(tmp_path):
    path = tmp_path / "a.m2t"
    header = Header(b"fakefake", 1, 1, 50, 12, 22)
    path.write_bytes(Bitstream(header, [Strip([b""], 0)]).pack())
    assert imported(f"from m2t.cli import main; assert main(['info', {str(path)!r}]) == 0") == []


def test_help_takes_less_than_0_3_s():
    """Of processor time, so that other work on the machine does not matter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "m2t", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def test_unknown_name():
    with pytest.raises(AttributeError, match="nonsense"):
        m2t.nonsense  # noqa: B018


def test_version_is_the_package_s():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert tomllib.loads(text)["project"].get("version", m2t.__version__) == m2t.__version__
