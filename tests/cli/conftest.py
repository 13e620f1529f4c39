import sys
from pathlib import Path
from typing import NamedTuple

import bulk_inline
import fake_codec
import numpy as np
import pytest
from PIL import Image

from m2t.cli import main


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def m2t(monkeypatch, capsys):
    """Run a command line in this process, with the fake codec."""
    monkeypatch.setitem(sys.modules, "m2t.codec", fake_codec.module())
    monkeypatch.setattr("m2t.load", fake_codec.Codec.load)

    def run(*args: object) -> Result:
        code = main([str(arg) for arg in args])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.fixture
def photo(folder, pixels):
    """photo.png in the current folder."""
    Image.fromarray(pixels).save("photo.png")
    return Path("photo.png")


@pytest.fixture
def inline(monkeypatch):
    """All in this process: no cluster, and none for the work."""

    from m2t.bulk import batches, run  # noqa: PLC0415 - they need Ray

    def perform(tasks, prepare, num_workers):
        work = prepare()
        return ((task, work(task)) for task in tasks)

    monkeypatch.setattr(batches, "Worker", bulk_inline.Inline)
    monkeypatch.setattr(run, "perform", perform)
    monkeypatch.setattr("ray.is_initialized", lambda: True)
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 2.0})


@pytest.fixture
def bulk(m2t, folder, inline):
    return bulk_inline.Bulk(m2t)


@pytest.fixture
def compress(m2t, folder):
    """Compress the folder `in` to `out`, and give what was told in the last line."""

    def run(*options: object, code: int = 0) -> str:
        result = m2t("compress", "in", "--out-dir", "out", "-r", *options)
        assert result.code == code, result.err
        return result.err.splitlines()[-1].rpartition(";")[0]

    return run
