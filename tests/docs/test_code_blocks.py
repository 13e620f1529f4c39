"""Every code block of README.md and docs/ does what it says, or is at least no nonsense.

Blocks of a page run in order, in one folder with a small example photograph. A comment on the line
before a block says what keeps it from being run, `<!-- Not run: trains for hours. -->`, or which
module it takes, `<!-- Needs matplotlib. -->`. Of what is not run, names and options are checked.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from PIL import Image

from m2t.cli import cli, main

from .blocks import PAGES, ROOT, Block, blocks, commands, needs_a_shell

LANGUAGES = ("sh", "python", "json", "text")
PRELUDE = f"m2t() {{ '{sys.executable}' -m m2t \"$@\"; }}\npip() {{ :; }}\n"
"""What the words mean in a shell that runs a block: nothing is installed."""
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.fixture
def beside_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder as the documents assume it, with a photograph of fewer pixels."""
    monkeypatch.setattr("m2t.inspection.output.MOST_SAMPLES", 2)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with Image.open(ROOT / "examples" / "photo.png") as photo:
        photo.resize((96, 64)).save(tmp_path / "examples" / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(block: Block) -> None:
    """Run a block in the current folder, or look closely at what cannot be run."""
    assert block.language in LANGUAGES
    if block.language == "json":
        json.loads(block.text)
    elif block.language == "python":
        code = compile(block.text, f"line {block.line}", "exec")
        if not block.not_run:
            exec(code, {"__name__": "__main__"})
    elif block.language == "sh":
        for words in commands(block.text):
            if block.not_run or words[0] == "pip":
                check(words)
        run_shell(block)


def run_shell(block: Block) -> None:
    if block.not_run or needs_a_shell(block.text):
        syntax_only = ["-n"] if block.not_run else []
        subprocess.run(["bash", "-eu", *syntax_only, "-c", PRELUDE + block.text], check=True)
        return
    for words in commands(block.text):  # processes take their time to start: here is one already
        if words[0] == "m2t":
            assert main(words[1:]) == 0, words


def check(words: list[str]) -> None:
    """Raise if there is no such command, option, module or extra."""
    if words[0] == "pip":
        asked = [name for word in words for name in re.findall(r"[\w-]+", word.partition("[")[2])]
        assert set(asked) <= set(EXTRAS), words
    elif words[0] == "m2t":
        parse(words[1:])
    elif "-m" in words:
        module, *rest = words[words.index("-m") + 1 :]
        assert find_spec(module), words
        if module == "m2t":
            parse(rest)


def parse(args: list[str]) -> None:
    """Have click take a command line, and go no further. Raises click.UsageError."""
    context = cli.make_context("m2t", list(args))
    name, command, rest = cli.resolve_command(context, args)
    assert command is not None
    command.make_context(name, rest, parent=context)


@pytest.mark.usefixtures("beside_the_examples")
@pytest.mark.parametrize("path", PAGES[1:], ids=lambda path: path.name)
def test_blocks(path: Path) -> None:
    for block in blocks(path.read_text()):
        if all(find_spec(module) for module in block.needs):
            run(block)


def test_the_readme_brings_the_picture_back(beside_the_examples: Path) -> None:
    for block in blocks((ROOT / "README.md").read_text()):
        (beside_the_examples / "photo.png").unlink(missing_ok=True)
        run(block)
        if block.language in ("sh", "python"):
            with Image.open("photo.png") as found, Image.open("examples/photo.png") as photo:
                assert found.size == photo.size


def test_every_fence_is_that_of_a_block() -> None:
    for path in PAGES:
        found = list(blocks(path.read_text()))
        assert len(re.findall("^ *```", path.read_text(), re.M)) == 2 * len(found), path


@pytest.mark.parametrize(
    "text",
    [
        "<!-- Not run: why. -->\n```sh\nm2t compress a.png --quality 101\n```",
        "<!-- Not run: why. -->\n```sh\nx=$(m2t comprise a.png)\n```",
        "<!-- Not run: why. -->\n```sh\ncat a.png | m2t compress - - --loud\n```",
        "<!-- Not run: why. -->\n```sh\ntorchrun -m m2t train --data photos/\n```",
        "<!-- Not run: why. -->\n```sh\npython -m m2t.learn.nothing\n```",
        "<!-- Not run: why. -->\n```sh\npip install 'm2t[training]'\n```",
        "<!-- Not run: why. -->\n```sh\nif true\n```",
        "<!-- Not run: why. -->\n```python\nx = (\n```",
        "```sh\nm2t info examples/photo.png\n```",
        "```sh\ncp nothing something\n```",
        "```python\nimport m2t\nm2t.shrink\n```",
        "```json\n{'a': 1}\n```",
        "```\nwhat is this?\n```",
    ],
)
@pytest.mark.usefixtures("beside_the_examples")
def test_nonsense_is_found(text: str) -> None:
    (block,) = blocks(text)
    wrong = (AssertionError, click.UsageError, ValueError, SyntaxError, AttributeError)
    with pytest.raises((*wrong, ModuleNotFoundError, subprocess.CalledProcessError)):
        run(block)


def test_comments_before_a_block_are_read() -> None:
    text = "x\n<!-- Not run: takes hours. -->\n```sh\na \\\nb | do c 'd e' # f\n```\n"
    text += "<!-- Needs one, two. -->\n```python\n```\n"
    shell, python = blocks(text)
    assert (shell.not_run, shell.line, python.needs) == ("takes hours", 4, ("one", "two"))
    assert list(commands(shell.text)) == [["a", "b"], ["c", "d e"]]
    assert needs_a_shell(shell.text)
    assert not needs_a_shell("pip install .  # a; b\n\nm2t info a.m2t\n")
