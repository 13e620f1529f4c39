"""The command that made a result, to be recorded in it."""

import shlex
import sys
from pathlib import Path


def command_line(module: str, *paths: Path) -> str:
    """The command that is running, with `paths` of this machine by their names alone."""
    names = {str(path): path.name for path in paths}
    return shlex.join(["python", "-m", module, *(names.get(word, word) for word in sys.argv[1:])])
