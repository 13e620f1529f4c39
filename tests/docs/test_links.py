"""Links between documents lead somewhere, where the code is hosted as on the site."""

import re
from pathlib import Path

import pytest

from .blocks import PAGES, ROOT

NAMES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")
NAMES += ("research/README.md", "runs/README.md")
DOCUMENTS = [*PAGES, *(ROOT / name for name in NAMES)]
WIDEST = 120
"""Characters of a line in README.md."""
SCREEN = 115
"""Lines of README.md."""


def links(text: str) -> list[str]:
    """The targets of a document's links and pictures, but for those to other places."""
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.M | re.S)
    return [x for x in re.findall(r"\]\(([^)\s]+)\)", prose) if not x.startswith("http")]


def anchors(text: str) -> set[str]:
    """What a document's headings can be linked by."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(path: Path, text: str) -> list[str]:
    """The links of a document at `path` that lead nowhere."""
    found = []
    for link in links(text):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.is_file() or (anchor and anchor not in anchors(target.read_text())):
            found.append(link)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert broken(path, path.read_text()) == []


def test_broken_links_are_found() -> None:
    text = "[a](model.md) [b](model.md#weak-spots) [c](model.md#strong) ![d](none.png) [e](../runs)"
    assert broken(ROOT / "docs" / "x.md", text) == ["model.md#strong", "none.png", "../runs"]


def test_every_document_is_on_the_site() -> None:
    shown = re.findall(r": ([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    assert sorted(shown) == sorted(path.relative_to(ROOT).as_posix() for path in DOCUMENTS)


def test_the_readme_is_one_screen() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert [line for line in lines if len(line) > WIDEST] == []
    assert len(lines) <= SCREEN
