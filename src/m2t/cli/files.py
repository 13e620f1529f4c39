"""Which file becomes which; reading and writing them so that nothing is lost."""

import errno
import os
import stat
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from ..atomic import replacing
from ..container.header import SIGNATURE, SUFFIX
from ..errors import ImageError, OutputError

STDIO = Path("-")
"""Standard input as a source, standard output as a target."""
EXISTS = "{} exists already; -f overwrites it"
FOLDS_CASE = sys.platform in ("win32", "darwin")
"""Whether a.m2t and A.m2t are, as a rule, one file."""


class FilePath(click.ParamType):
    """A path, or STDIO where it is `-`; a file of that name is `./-`."""

    name = "path"

    def convert(
        self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """See click.ParamType."""
        path = Path(value)
        return path.absolute() if path == STDIO and os.fspath(value) != "-" else path

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """See click.ParamType: the shell knows its files."""
        return [CompletionItem(incomplete, type="file")]


@dataclass(frozen=True)
class Job:
    """One file to be made from another."""

    source: Path
    target: Path
    to_m2t: bool
    """The target is an .m2t file, not a picture."""
    rivals: tuple[Path, ...] = ()
    """Other inputs with the same target."""

    def check(self, overwrite: bool) -> None:
        """Find what can be found wrong before any work; OSError or OutputError."""
        if self.source != STDIO:
            refuse_folder(self.source)
        if self.rivals:
            others = ", ".join(map(str, self.rivals))
            raise OutputError(f"would become {self.target}, as would {others}")
        if self.target == STDIO:
            if sys.stdout is None:
                raise OutputError("standard output is closed")
            if sys.stdout.isatty():
                raise OutputError("not written to a terminal; name an output")
            return
        if not self.target.exists():
            return
        if self.target.is_dir():
            raise OutputError(f"{self.target} is a directory; --out-dir writes into one")
        if self.source != STDIO and self.target.samefile(self.source):
            raise OutputError("input and output are the same file")
        if self.target.is_file():
            if not overwrite:
                raise OutputError(EXISTS.format(self.target))
            self._check_kind()

    def _check_kind(self) -> None:
        """Refuse to write over what can hardly be meant, -f or not: another input, most likely."""
        with self.target.open("rb") as file:
            start = file.read(len(SIGNATURE))
        is_m2t = start == SIGNATURE
        if start and is_m2t != self.to_m2t:
            kind = "an .m2t file" if is_m2t else "not an .m2t file"
            raise OutputError(
                f"{self.target} is {kind}, and stays as it is: remove it first. "
                "Several inputs need --out-dir"
            )


def plan(paths: tuple[Path, ...], out_dir: Path | None, suffix: str) -> list[Job]:
    """Pair inputs with outputs: IN, IN OUT, or IN... with `out_dir`; click.UsageError otherwise.

    An output that is not named gets its input's name with `suffix`.
    """
    if out_dir is None:
        source, *targets = paths
        if len(targets) > 1:
            raise click.UsageError("Several inputs need --out-dir.")
        unnamed = STDIO if source == STDIO else source.parent / (source.stem + suffix)
        return [Job(source, targets[0] if targets else unnamed, suffix == SUFFIX)]
    if STDIO in paths:
        raise click.UsageError("Standard input has no name to be used in --out-dir.")
    return pair(paths, out_dir, suffix)


def pair(paths: Iterable[Path], folder: Path, suffix: str) -> list[Job]:
    """Each path with its target in a folder: its name with `suffix`."""
    sources: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        name = path.stem + suffix
        sources[name.casefold() if FOLDS_CASE else name].append(path)
    return [
        Job(
            source,
            folder / (source.stem + suffix),
            suffix == SUFFIX,
            rivals=tuple(path for path in some if path is not source),
        )
        for some in sources.values()
        for source in some
    ]


def refuse_folder(path: Path) -> None:
    """Raise ImageError for a folder, OSError for what is not there."""
    if stat.S_ISDIR(path.stat().st_mode):
        raise ImageError("is a directory; --recursive takes the files in it")


def make_folder(path: Path) -> None:
    """A folder, and those above it, where they are not there yet."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {path}: {error.strerror}") from error


def read(path: Path) -> bytes:
    """All bytes of a file or of standard input."""
    if path != STDIO:
        return path.read_bytes()
    if sys.stdin is None:
        raise ImageError("standard input is closed")
    return sys.stdin.buffer.read()


def write(
    path: Path, data: bytes, overwrite: bool, modified_ns: int | None = None, check: bool = False
) -> None:
    """All bytes to a file or to standard output; see atomic_write."""
    if path != STDIO:
        atomic_write(path, data, overwrite, modified_ns, check)
        return
    # A file object of our own: after a broken pipe, Python would flush sys.stdout once more.
    with open(sys.stdout.fileno(), "wb", closefd=False) as stdout:
        stdout.write(data)


def _behind_links(path: Path) -> Path:
    """What a link points to, there or not; OSError for links in a circle."""
    path = Path(os.path.realpath(path))
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return path


def atomic_write(
    path: Path, data: bytes, overwrite: bool, modified_ns: int | None = None, check: bool = False
) -> None:
    """Write all of `data` to `path`, or leave everything as it was and raise OutputError.

    Args:
        modified_ns: the time of modification that the file gets; None: now.
        check: read the file before it gets its name, and compare.
    """
    try:
        if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
            path.write_bytes(data)
            return
        if path.exists() and not overwrite:
            raise OutputError(EXISTS.format(path))
        path = _behind_links(path)
        with replacing(path) as temporary:
            temporary.write_bytes(data)
            if check and temporary.read_bytes() != data:
                raise OutputError(f"cannot write {path}: it reads otherwise than it was written")
            if modified_ns is not None:
                os.utime(temporary, ns=(modified_ns, modified_ns))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
