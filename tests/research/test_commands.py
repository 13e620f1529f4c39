"""What scripts and documents tell to run is there."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("runs", "docs", "research", ".")
FILES = [path for name in FOLDERS for path in (ROOT / name).glob("*.*") if path.is_file()]
TEXTS = [path for path in FILES if path.suffix in (".sh", ".md", ".jinja")]


def commands(text: str) -> set[str]:
    """The modules that are run by their names."""
    return set(re.findall(r"python -m ((?:m2t|research)\b[\w.]*)", text))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_exist(path: Path) -> None:
    lacking = [name for name in commands(path.read_text()) if find_spec(name) is None]
    assert lacking == []


def test_commands_are_found() -> None:
    text = "x=(python -m research.paper a) `python -m m2t.eval.table A`; python -m pip install x"
    assert commands(text) == {"research.paper", "m2t.eval.table"}


def test_the_readme_lists_every_module() -> None:
    listed = (ROOT / "research" / "README.md").read_text()
    names = sorted(path.name for path in (ROOT / "research").rglob("*.py"))
    assert [name for name in names if not name.startswith("__") and name not in listed] == []
