"""Finished work on disk, one JSON object a line, so that a killed run goes on where it was."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..atomic import replacing
from ..errors import ConfigError
from .results import SCHEMA, check_schema

Key = tuple[str, ...]
"""What a piece of work is: codec, version, setting, image, digest of the image."""
KEY_FIELDS = ("codec", "version", "param", "image", "digest")


class Journal:
    """Rows by key, in memory and in a file that only grows. Facts of one key add up.

    Raises ConfigError for a file of another schema version, or one that is no journal.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[Key, dict[str, Any]] = {}
        if path.exists():
            self._load()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._rewrite(json.dumps({"schema": SCHEMA}) + "\n")

    def _load(self) -> None:
        text = self.path.read_text()
        whole = text[: text.rfind("\n") + 1]  # a killed run may leave half a line
        try:
            head, *records = map(json.loads, whole.splitlines())
            check_schema(self.path, head)
            for record in records:
                self._merge(tuple(record.pop(name) for name in KEY_FIELDS), record)
        except (ValueError, KeyError, AttributeError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"{self.path}: not a journal of m2t eval") from error
        if whole != text:
            self._rewrite(whole)

    def _rewrite(self, text: str) -> None:
        """A kill at any moment leaves the old file or the new one."""
        with replacing(self.path) as temporary:
            temporary.write_text(text)

    def add(self, key: Key, row: Mapping[str, Any]) -> None:
        """Keep facts, on disk before the call returns; newer ones replace those of a name."""
        self._merge(key, row)
        record = {**dict(zip(KEY_FIELDS, key, strict=True)), **row}
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def _merge(self, key: Key, row: Mapping[str, Any]) -> None:
        self.rows[key] = {**self.rows.get(key, {}), **row}
