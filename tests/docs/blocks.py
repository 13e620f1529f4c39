"""The code blocks of a document, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S
)
_SEPARATORS = frozenset("();<>|&")
_KEYWORDS = ("do", "then", "else", "!")


class Block(NamedTuple):
    """What stands between fences, and what the comment on the line before says of it."""

    language: str
    text: str
    line: int
    """Of the document, from 1, where the text begins."""
    not_run: str | None
    """The reason, from `<!-- Not run: REASON. -->`."""
    needs: tuple[str, ...]
    """Modules, from `<!-- Needs MODULE, MODULE. -->`."""


def blocks(document: str) -> Iterator[Block]:
    """All of a document, in order."""
    for match in _BLOCK.finditer(document):
        note = match["note"] or ""
        not_run = re.fullmatch(r"Not run: (.+)\.", note)
        needs = re.fullmatch(r"Needs (.+)\.", note)
        yield Block(
            match["language"],
            match["text"],
            document.count("\n", 0, match.start("text")) + 1,
            not_run[1] if not_run else None,
            tuple(needs[1].split(", ")) if needs else (),
        )


def commands(shell: str) -> Iterator[list[str]]:
    """Each simple command of a shell text, as its words; variables stay as they are written."""
    for line in shell.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= _SEPARATORS:
                if words:
                    yield words
                words = []
            elif words or word not in _KEYWORDS:
                words.append(word)


def needs_a_shell(shell: str) -> bool:
    """Whether there is more than commands of m2t and pip, one on a line, and comments."""
    return any(
        not line.startswith(("m2t ", "pip ", "#")) or set(line.split(" #")[0]) & set("|&;<>()$`*")
        for line in shell.replace("\\\n", " ").splitlines()
        if line
    )
