"""The files in folders and below, one folder at a time: memory does not grow with their number."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from .errors import describe

PICTURES = frozenset(
    f".{name}"
    for name in (
        *("jpg", "jpeg", "jpe", "jfif", "jp2", "j2k", "jpx", "jxl"),
        *("png", "apng", "gif", "webp", "avif", "heic", "heif", "hif"),
        *("tif", "tiff", "bmp", "dib", "tga", "qoi"),
        *("ppm", "pgm", "pbm", "pnm", "pfm"),
    )
)
"""Suffixes of pictures. A damaged picture has one, too, and is told instead of left out."""


class Told(Protocol):
    """Who is told of what a walk does not give."""

    def left_out(self) -> None:
        """Something is hidden, a link to a folder, or none of the files that are looked for."""
        ...

    def failed(self, name: object, reason: str) -> None:
        """Something cannot be read."""
        ...


class _Nobody:
    def left_out(self) -> None:
        pass

    def failed(self, name: object, reason: str) -> None:
        pass


class Level(NamedTuple):
    """A folder's files. Folders of one relative name in several roots are one."""

    relative: Path
    files: list[Path]


def levels(
    paths: Iterable[Path], suffixes: Iterable[str], told: Told | None, apart: Path | None = None
) -> Iterator[Level]:
    """The files with one of the suffixes, in folders and below; and files that are named, as such.

    Links to files are followed. Links to folders are not, unless they are named: so there are no
    loops. `apart` is a folder that is left out.
    """
    told = told or _Nobody()
    named = [path for path in paths if not path.is_dir()]
    roots = [path for path in paths if path.is_dir()]
    pending = [(Path(), roots)]
    while pending:
        relative, folders = pending.pop()
        files, below = named, defaultdict[str, list[Path]](list)
        named = []
        for folder in folders:
            for entry in _entries(folder, told):
                kind = _kind(entry, suffixes, told)
                path = folder / entry.name
                if kind == "file":
                    files.append(path)
                elif kind == "folder" and not (apart and _same(path, apart)):
                    below[entry.name].append(path)
        yield Level(relative, files)
        pending += [(relative / name, below[name]) for name in sorted(below, reverse=True)]


def _entries(folder: Path, told: Told) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        told.failed(folder, describe(error) or str(error))
        return []


def _kind(entry: os.DirEntry[str], suffixes: Iterable[str], told: Told) -> str | None:
    """ "file", "folder", or None where it was told."""
    wanted = os.path.splitext(entry.name)[1].lower() in suffixes  # noqa: PTH122 - ten times as fast
    if not entry.name.startswith("."):
        try:
            if entry.is_dir(follow_symlinks=False):
                return "folder"
            # A link that leads nowhere is let through: reading it tells why.
            if wanted and (entry.is_file() or not Path(entry.path).exists()):
                return "file"
        except OSError as error:  # links in a circle
            if wanted:
                told.failed(entry.path, describe(error) or str(error))
                return None
    told.left_out()
    return None


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
