"""Many files in one: tar files as webdataset reads them, and the list of them."""

import io
import json
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

NAME = "shard-{:06}.tar"
PATTERN = re.compile(r"shard-(\d{6,})\.tar")
INDEX = "index.json"


class Shard:
    """A tar file in the making, in memory: a result and what is told of it, one after the other."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)
        self.num_files = 0

    def __enter__(self) -> "Shard":
        return self

    def __exit__(self, *_: object) -> None:
        self._buffer.close()

    def add(self, name: str, data: bytes, row: Mapping[str, Any]) -> tuple[str, int]:
        """Add a file, and its row as JSON; its name in the tar file, and where its bytes are."""
        # To webdataset, what stands before the first dot of a name is the sample it belongs to.
        path = PurePosixPath(name)
        stem = path.stem.replace("%", "%25").replace(".", "%2E")
        member = str(path.with_name(stem + path.suffix))
        self._add(member, data)
        offset = self._buffer.tell() - len(data) - -len(data) % tarfile.BLOCKSIZE
        self._add(str(path.with_name(f"{stem}.json")), json.dumps(row).encode())
        self.num_files += 1
        return member, offset

    def _add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)  # of no time and no owner: the same bytes every time
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))

    def data(self) -> bytes:
        """The tar file, whole."""
        self._tar.close()
        return self._buffer.getvalue()


def relative(member: str) -> str:
    """The name in a tree of what has this name in a shard."""
    path = PurePosixPath(member)
    return str(path.with_name(path.name.replace("%2E", ".").replace("%25", "%")))


def number(name: str) -> int | None:
    """Of a shard, by its file's name; None of other files."""
    found = PATTERN.fullmatch(name.rpartition("/")[2])
    return int(found[1]) if found else None


def index(shards: Iterable[tuple[str, int, int]]) -> bytes:
    """The list of all shards (name, files, bytes), in the form of webdataset's."""
    listed = [
        {"url": name, "nsamples": num_files, "filesize": num_bytes}
        for name, num_files, num_bytes in shards
    ]
    kind = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": listed}
    return json.dumps(kind, indent=1).encode()
