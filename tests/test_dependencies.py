"""docs/dependencies.md lists what pyproject.toml asks for, with its licence."""

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENT = re.compile(r"([\w-]+)(?:\[\w+\])?>=([\w.]+)(?:; .*)?")
FAMILY = re.compile(r"\b(0BSD|BSD|BSL|MIT|Apache|MPL|LGPL|GPL|PSF|ISC|Zlib|CC0)\b")
MAX_NAME = 200
"""Characters of a licence's name; what is longer is its text."""


def listed() -> dict[str, tuple[str, ...]]:
    """Package -> extra, oldest version and licence, as the document has them."""
    text = (ROOT / "docs" / "dependencies.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return {row[0]: tuple(row[1:]) for row in rows if len(row) == 4 and row[2][:1].isdigit()}


def required() -> dict[str, tuple[str, str]]:
    """Package -> extra and oldest version, as pyproject.toml has them; without m2t itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {"": project["dependencies"], **project["optional-dependencies"]}
    return {
        found[1]: (extra, found[2])
        for extra, requirements in extras.items()
        for found in map(REQUIREMENT.fullmatch, requirements)
        if found
    }


def families(package: Distribution) -> set[str]:
    """The kinds of licences that a package names, or else brings along."""
    about = package.metadata
    classifiers = about.get_all("Classifier") or []
    names = [name for name in classifiers if name.startswith("License")]
    for key in ("License", "License-Expression"):
        names += about.get_all(key) or []
    if not names:
        files = [file for file in package.files or [] if file.stem == "LICENSE"]
        names = [file.read_text().strip()[:MAX_NAME] for file in files]
    text = "\n".join(name for name in names if len(name) <= MAX_NAME)
    return set(FAMILY.findall(text.replace("Python Software Foundation", "PSF")))


def test_all_packages_are_listed() -> None:
    assert {name: row[:2] for name, row in listed().items()} == required()


def test_nothing_is_overlooked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = sum(map(len, project["optional-dependencies"].values()), len(project["dependencies"]))
    assert len(required()) == asked - 1  # "dev" asks for m2t itself


@pytest.mark.parametrize("name", listed())
def test_licences_are_those_that_packages_name(name: str) -> None:
    try:
        found = families(distribution(name))
    except PackageNotFoundError:
        pytest.skip("not installed")
    assert found
    assert found <= set(FAMILY.findall(listed()[name][2]))
