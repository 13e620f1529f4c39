"""What README.md tells to type works, and does what it says."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from m2t.cli import main

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(
    r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
)


@pytest.fixture(autouse=True)
def beside_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)


def blocks(language: str) -> str:
    found = [text for name, text in BLOCKS if name == language]
    assert found
    return "\n".join(found)


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_python() -> None:
    names: dict[str, object] = {}
    exec(compile(blocks("python"), "README.md", "exec"), names)
    image = names["image"]
    assert isinstance(image, Image.Image)
    assert image.size == size_of("examples/photo.png")


def test_commands() -> None:
    commands = [line for line in blocks("sh").splitlines() if line.startswith("m2t ")]
    assert len(commands) >= 2
    for command in commands:
        assert main(shlex.split(command, comments=True)[1:]) == 0
    assert size_of("photo.png") == size_of("examples/photo.png")
