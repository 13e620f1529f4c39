"""Imports point downwards only, in the order of docs/overview.md, and never out of the package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "m2t"
OVERVIEW = Path(__file__).parents[1] / "docs" / "overview.md"
TORCH = ("learn", "eval")
"""Where PyTorch may be imported: to learn, and for metrics that need it."""
LEARN = ("learn", "cli")
"""What may import the half that learns: itself, and the commands that stand for it."""
OUTSIDE = ("research", "tests")  # of the package: they may import it
ENTRIES = ("__init__", "__main__")  # of the package itself: above all layers


def read_layers() -> dict[str, int]:
    """Module -> layer, from the table in the overview."""
    layers = {}
    for line in OVERVIEW.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].isdigit():
            names = cells[1].split("`")[1::2]
            layers |= {name.removesuffix("/"): int(cells[0]) for name in names}
    return layers


LAYERS = read_layers()


def imports(source: str, module: str) -> Iterator[str]:
    """Absolute names of all that the source of `module` imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            base += node.module.split(".") if node.module else []
            yield from (".".join([*base, alias.name]) for alias in node.names)


def faults(source: str, module: str) -> list[str]:
    """Imports that `module`, as "m2t.rans.coders", must not have."""
    own = module.split(".")[1]
    found = []
    for name in imports(source, module):
        package, *rest = name.split(".")
        if package in OUTSIDE:
            found.append(name)
        elif package != "m2t":
            if package in ("torch", "safetensors") and own not in TORCH:
                found.append(name)
        elif rest and rest[0] in LAYERS:
            backwards = rest[0] == "learn" and own not in LEARN
            if backwards or (rest[0] != own and LAYERS[rest[0]] > LAYERS[own]):
                found.append(name)
    return found


def modules() -> list[str]:
    paths = [path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py")]
    names = [".".join(path.parts) for path in sorted(paths)]
    return [name for name in names if name.split(".")[1] not in ENTRIES]


@pytest.mark.parametrize("module", modules())
def test_imports_point_downwards(module):
    assert module.split(".")[1] in LAYERS, "not in the table of docs/overview.md"
    source = PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py").read_text()
    assert faults(source, module) == []


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from .codec import Codec", "m2t.config"),
        ("from .. import codec", "m2t.weights.file"),
        ("from ..learn.networks.model import Model", "m2t.rans.coders"),
        ("from m2t.cli.files import read", "m2t.codec"),
        ("import m2t.codec", "m2t.image"),
        ("def f():\n    from ...cli import main", "m2t.learn.training.loop"),
        ("from .learn import load", "m2t.codec"),
        ("from .learn import load", "m2t.bench"),
        ("from ..learn.load import codec_of", "m2t.eval.ours"),
        ("import torch.nn", "m2t.rans.coders"),
        ("from torch import nn", "m2t.codec"),
        ("from safetensors import safe_open", "m2t.weights.file"),
        ("from research.paper.run import run", "m2t.eval.report"),
        ("import research.pictures", "m2t.cli.evaluate"),
    ],
)
def test_the_check_finds_what_points_upwards(source, module):
    assert len(faults(source, module)) == 1


def test_the_check_lets_the_rest_pass():
    source = (
        "import torch\nfrom .head import Head\nfrom .... import errors\nfrom ....codec import Codec"
    )
    assert faults(source, "m2t.learn.networks.transformer.deep") == []
    assert faults("from ..learn.export import export", "m2t.cli.export") == []


def circle(graph: dict[str, set[str]]) -> list[str]:
    """What is left of modules when those that import none of the others are taken away."""
    left = dict(graph)
    while free := [module for module, needs in left.items() if not needs & left.keys()]:
        for module in free:
            del left[module]
    return sorted(left)


def test_no_modules_import_each_other():
    files = sorted(PACKAGE.rglob("*.py"))
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files]
    graph = {}
    for path, name in zip(files, names, strict=True):
        if not name.endswith("__init__"):  # a folder's face: it hands names on
            found = set(imports(path.read_text(), name))
            graph[name] = {n for n in names if n in found or any(f"{n}." in f for f in found)}
    assert circle(graph) == []


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["a", "b", "c"]
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
