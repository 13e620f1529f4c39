"""What the command line tells: errors, warnings, progress."""

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ..errors import M2TError

Progress = Callable[[float], object]
"""To be called with the share of the work that is done, 0 to 1."""


def describe(error: Exception) -> str | None:
    """The one line for an error that a user can cause; None where it is a bug of ours."""
    if isinstance(error, M2TError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # PyTorch has an exception of its own on GPUs, and none on CPUs.
    if type(error).__name__ in ("MemoryError", "OutOfMemoryError"):
        return "out of memory"
    if isinstance(error, RuntimeError) and "can't allocate memory" in str(error):
        return "out of memory"
    return None


def explain(error: Exception) -> str:
    """As describe(); of bugs, their kind and text, for a run that goes on."""
    return describe(error) or f"unexpected {type(error).__name__}: {error}"


def complain(text: str, name: object = None, kind: str = "error") -> None:
    """Print `m2t: error: photo.m2t: truncated at byte 812` to stderr."""
    line = " ".join(text.split())  # some library's text may have several
    # A file's own words, such as a tensor's name, could move the terminal's cursor.
    line = "".join(char if char.isprintable() else "?" for char in line)
    click.echo(f"m2t: {kind}: " + (f"{name}: " if name else "") + line, err=True)


def attempt(action: Callable[[], None], name: object, as_json: bool) -> bool:
    """Whether `action` on the file `name` went well; if not, the reason is told."""
    try:
        action()
    except Exception as error:
        reason = describe(error)
        if reason is None:
            raise
        complain(reason, name)
        if as_json:
            click.echo(json.dumps({"input": str(name), "error": reason}))
        return False
    return True


@contextmanager
def told_warnings(tell: Callable[[str], object]) -> Iterator[None]:
    """Tell our own warnings, and no other library's."""
    from ..image import ImageWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ImageWarning)
        warnings.showwarning = lambda message, *_, **__: tell(str(message))
        yield


@contextmanager
def progress_bar(name: object) -> Iterator[Progress | None]:
    """A bar on a terminal's stderr for what takes over a second; None where nobody watches."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    layout = "{desc} {percentage:3.0f}% |{bar}| {remaining}"
    with tqdm(total=1.0, desc=str(name), delay=1, leave=False, bar_format=layout) as bar:
        yield lambda done: bar.update(done - bar.n)
