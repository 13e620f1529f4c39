"""Files of later versions and of other models are refused with what they need; others go on."""

import zlib
from pathlib import Path

import pytest

from m2t.cli import main
from tests.test_golden import read
from tests.test_reference import weights

MODEL = "tests/golden/integers.safetensors"
LATER = "format version 4 needs a newer version of m2t: this one reads up to 3"
IMPORTANT = "chunk 'Q' needs a newer version of m2t"
OTHER = f"needs model {weights('raster').model_id.hex()}, which is not shipped: name its weights"
WRONG = (
    f"needs model {weights('raster').model_id.hex()}, "
    f"these weights are {weights('integers').model_id.hex()}"
)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A file of a later version, one with a chunk that must be known, one of another model."""
    data = read("integers_eye")
    later = data[:4] + b"\x04" + data[5:]
    start = data.index(b"L", 13)
    important = data[:start] + b"Q\x00" + zlib.crc32(b"Q\x00").to_bytes(4, "little") + data[start:]
    found = []
    for name, content in (("a", later), ("b", important), ("c", read("raster")), ("d", data)):
        found.append(tmp_path / f"{name}.m2t")
        found[-1].write_bytes(content)
    return found


def test_what_they_need_is_said(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    names = [str(path) for path in files]
    assert main(["decompress", *names, "--out-dir", str(out), "--model", MODEL]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    expected = zip(names, (LATER, IMPORTANT, WRONG), strict=False)
    assert errors == [f"m2t: error: {name}: {reason}" for name, reason in expected]
    assert [path.name for path in out.iterdir()] == ["d.png"]


@pytest.mark.parametrize("command", ["decompress", "verify"])
def test_weights_that_are_not_here_are_named(
    command: str, files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    assert main([command, str(files[2])]) == 1
    assert capsys.readouterr().err.splitlines() == [f"m2t: error: {files[2]}: {OTHER}"]
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", ["decompress", "info", "verify"])
def test_later_versions_are_refused_by_every_command(
    command: str, files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(files[0])]) == 1
    assert capsys.readouterr().err.splitlines() == [f"m2t: error: {files[0]}: {LATER}"]
