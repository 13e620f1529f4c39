"""Golden files of models in floats, and all files by what PyTorch computes with."""

from functools import cache

import pytest

from m2t.checksums import latents_sha256
from m2t.codec import Codec
from m2t.container import parse
from research.determinism.check import load
from research.determinism.settings import all_operations

from ..golden import cases, make
from ..test_golden import CODED, FOLDER, RECORD, assert_same_image, read

OPERATIONS = all_operations()


@cache
def codec(model: str, operations: str | None = None) -> Codec:
    ops = None if operations is None else OPERATIONS[operations]
    return load(str(FOLDER / f"{model}.safetensors"), ops)


@pytest.mark.parametrize("operations", OPERATIONS)
@pytest.mark.parametrize("name", CODED)
def test_tokens(name: str, operations: str) -> None:
    y_hat = codec(RECORD[name]["model"], operations).decode_latents(parse(read(name)))
    assert latents_sha256(y_hat) == RECORD[name]["latents_sha256"]


@pytest.mark.parametrize("name", RECORD)
def test_image(name: str) -> None:
    assert_same_image(codec(RECORD[name]["model"]), name)


def test_all_is_there() -> None:
    """Nothing lies around that no test looks at, and cases.py knows how each file came about."""
    assert {path.stem for path in FOLDER.glob("*.m2t")} == set(RECORD) == set(cases.cases())
    assert {case["model"] for case in RECORD.values()} == set(cases.configs())


def test_golden_files_are_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in FOLDER.glob("*.*")}
    monkeypatch.setattr("sys.argv", ["make", "rgb"])
    with pytest.raises(SystemExit, match="rgb"):
        make.main()
    assert {path: path.read_bytes() for path in FOLDER.glob("*.*")} == before
