"""What the command line tells: errors, warnings, progress."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from ..errors import describe
from ..progress import Progress


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
def progress_bar(name: object) -> Iterator[Progress | None]:
    """A bar on a terminal's stderr for what takes over a second; None where nobody watches."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    layout = "{desc} {percentage:3.0f}% |{bar}| {remaining}"
    with tqdm(total=1.0, desc=str(name), delay=1, leave=False, bar_format=layout) as bar:
        yield lambda done: bar.update(done - bar.n)
