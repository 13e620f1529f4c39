"""Places where files are: folders, and all that fsspec reaches by a URL, as s3://bucket/name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from ..atomic import remove_leftovers, replacing
from ..errors import ConfigError, ImageError, OutputError, describe

EXISTS = "{} is there already, and other than what would be written; -f overwrites it"


class Entry(NamedTuple):
    """A file, or a folder, of a store."""

    name: str
    """Path of a local one, URL of another."""
    num_bytes: int | None
    modified_ns: int | None
    is_folder: bool = False


class Store:
    """A folder, or what begins with a URL; a file as well."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError where nothing is known of such URLs."""
        self.files: AbstractFileSystem
        self.path: str
        if "://" not in url:
            self.files, self.path = LocalFileSystem(), Path(url).absolute().as_posix()
        else:
            try:
                # What a listing tells is kept by some file systems, for ever.
                self.files, self.path = url_to_fs(url, use_listings_cache=False)
            except (ValueError, ImportError) as error:
                raise ConfigError(f"{url}: {error}") from error
        self.path = self.path.rstrip("/") or "/"
        self.local = isinstance(self.files, LocalFileSystem)
        self.name = self.name_of(self.path)

    def name_of(self, path: str) -> str:
        """What a path of the file system is called: itself, or a URL."""
        return path if self.local else self.files.unstrip_protocol(path)

    def __truediv__(self, relative: str) -> "Store":
        """A place below this one."""
        below = object.__new__(Store)
        below.files, below.local = self.files, self.local
        below.path = f"{self.path.rstrip('/')}/{relative}"
        below.name = below.name_of(below.path)
        return below

    def is_folder(self) -> bool:
        """Whether there are, or may be, files below."""
        with _told("look at", self.name):
            return self.files.isdir(self.path)

    def entry(self) -> Entry | None:
        """What is told of the file; None where there is none. ConfigError where none is told."""
        with _told("look at", self.name), suppress(FileNotFoundError):
            return self._entry(self.files.info(self.path))
        return None

    def entries(self) -> list[Entry]:
        """What is in the folder, if it is there, by name; ConfigError where it cannot be read."""
        found = []
        with _told("list", self.name), suppress(FileNotFoundError):
            found = self.files.ls(self.path, detail=True)
        inside = [info for info in found if info["name"].rstrip("/") != self.path]
        return sorted(self._entry(info) for info in inside)

    def matching(self) -> Iterator[Entry]:
        """The files whose names match the path, which is a pattern."""
        with _told("list", self.name):
            found = self.files.glob(self.path, detail=True)
        assert isinstance(found, dict)
        return (self._entry(info) for info in found.values() if info["type"] == "file")

    def _entry(self, info: dict[str, Any]) -> Entry:
        times = (info.get(key) for key in ("mtime", "LastModified", "updated", "last_modified"))
        modified = next((time for time in times if time is not None), None)
        if isinstance(modified, datetime):
            modified = modified.timestamp()
        nanoseconds = round(modified * 1e9) if isinstance(modified, (int, float)) else None
        name = self.name_of(info["name"].rstrip("/"))
        return Entry(name, info.get("size"), nanoseconds, info["type"] == "directory")

    def walk(self) -> Iterator[Entry]:
        """All files below, folder by folder; nothing where the folder is not there."""
        pending = [self]
        while pending:
            entries = pending.pop().entries()
            yield from (entry for entry in entries if not entry.is_folder)
            pending += [Store(entry.name) for entry in reversed(entries) if entry.is_folder]

    def read(self, start: int | None = None, end: int | None = None) -> bytes:
        """All bytes of the file, or some; raises ImageError where there are none to be had."""
        try:
            data = self.files.cat_file(self.path, start, end)
        except Exception as error:
            raise ImageError(reason(error)) from error
        assert isinstance(data, bytes)
        return data

    def open(self) -> BinaryIO:
        """The file, to be read; raises ConfigError where it cannot be."""
        with _told("read", self.name):
            return cast(BinaryIO, self.files.open(self.path, "rb"))

    def write(self, data: bytes, replace: bool = True) -> None:
        """The file appears whole, is looked at, and only then counts; raises OutputError if not.

        Without `replace`, a file that is there must be the same, and stays.
        """
        try:
            if not replace and self.files.exists(self.path):
                if self.files.cat_file(self.path) != data:
                    raise OutputError(EXISTS.format(self.name))
            elif self.local:
                self._write_locally(data)
            else:
                self.files.pipe_file(self.path, data)  # a store of objects takes them whole
                self.files.invalidate_cache(self.path)
                if self.files.size(self.path) != len(data):
                    raise OutputError(
                        f"cannot write {self.name}: it is not as long as it should be"
                    )
        except OutputError:
            raise
        except Exception as error:
            raise OutputError(f"cannot write {self.name}: {reason(error)}") from error

    def _write_locally(self, data: bytes) -> None:
        path = Path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(data)
            if temporary.read_bytes() != data:
                raise OutputError(f"cannot write {path}: it reads otherwise than it was written")

    def remove_leftovers(self) -> None:
        """What killed processes left of files here and below is gone; objects appear whole."""
        if self.local:
            for folder, _, _ in os.walk(self.path):
                remove_leftovers(Path(folder))

    def remove(self) -> None:
        """The file is gone."""
        self.files.rm_file(self.path)


@contextmanager
def _told(verb: str, name: str) -> Iterator[None]:
    """Raise ConfigError for whatever a file system raises: each has errors of its own."""
    try:
        yield
    except Exception as error:
        raise ConfigError(f"cannot {verb} {name}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """One line for what a file system raises."""
    if isinstance(error, FileNotFoundError):
        return "No such file or directory"
    return describe(error) or f"{type(error).__name__}: {error}"
