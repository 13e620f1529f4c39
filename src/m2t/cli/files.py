"""Which file becomes which; reading and writing them so that nothing is lost."""

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ..atomic import replacing
from ..errors import OutputError

STDIO = Path("-")
"""Standard input as a source, standard output as a target."""


@dataclass(frozen=True)
class Job:
    """One file to be made from another."""

    source: Path
    target: Path

    def check(self, overwrite: bool) -> None:
        """Find what can be found wrong before any work; OSError or OutputError."""
        if self.source != STDIO:
            self.source.stat()
        if self.target == STDIO:
            if sys.stdout.isatty():
                raise OutputError("not written to a terminal; name an output")
            return
        if not self.target.exists():
            return
        if self.target.is_dir():
            raise OutputError(f"{self.target} is a directory; --out-dir writes into one")
        if self.source != STDIO and self.target.samefile(self.source):
            raise OutputError("input and output are the same file")
        if self.target.is_file() and not overwrite:
            raise OutputError(f"{self.target} exists already; -f overwrites it")


def plan(paths: tuple[Path, ...], out_dir: Path | None, suffix: str) -> list[Job]:
    """Pair inputs with outputs: IN, IN OUT, or IN... with `out_dir`; click.UsageError otherwise.

    An output that is not named gets its input's name with `suffix`.
    """
    if out_dir is None:
        source, *targets = paths
        if len(targets) > 1:
            raise click.UsageError("Several inputs need --out-dir.")
        unnamed = STDIO if source == STDIO else source.parent / (source.stem + suffix)
        return [Job(source, targets[0] if targets else unnamed)]
    if STDIO in paths:
        raise click.UsageError("Standard input has no name to be used in --out-dir.")
    sources: dict[Path, Path] = {}
    for path in paths:
        target = out_dir / (path.stem + suffix)
        if target in sources:
            raise click.UsageError(f"{sources[target]} and {path} would both become {target}.")
        sources[target] = path
    return [Job(source, target) for target, source in sources.items()]


def read(path: Path) -> bytes:
    """All bytes of a file or of standard input."""
    return sys.stdin.buffer.read() if path == STDIO else path.read_bytes()


def write(path: Path, data: bytes, overwrite: bool) -> None:
    """All bytes to a file or to standard output."""
    if path != STDIO:
        atomic_write(path, data, overwrite)
        return
    # A file object of our own: after a broken pipe, Python would flush sys.stdout once more.
    with open(sys.stdout.fileno(), "wb", closefd=False) as stdout:
        stdout.write(data)


def atomic_write(path: Path, data: bytes, overwrite: bool) -> None:
    """Write all of `data` to `path`, or leave everything as it was and raise OutputError."""
    try:
        if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
            path.write_bytes(data)
            return
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists already; -f overwrites it")
        path = path.resolve()  # through a link, write what it points to
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
