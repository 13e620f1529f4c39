"""Files decode to the same tokens in fresh processes that compute differently, and if one did not,
it would be noticed. `python -m research.determinism.check` does the same at full size."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from m2t.errors import ConfigError, M2TError
from m2t.learn.devices.int8_products import FloatKernel
from m2t.learn.devices.operations import TorchOperations
from m2t.predict.operations import Array
from research.determinism import check
from research.determinism.check import Made, Report, decode, encode, load, mismatches, run, verify
from research.determinism.settings import COMPILED, CPU, Setting, all_operations, all_settings

from ..conftest import photograph

SETTINGS = [
    Setting("default", encodes=True),
    Setting(
        "plain, 1 thread",
        {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "default"},
        ops="float32",
        windows_per_batch=1,
    ),
    Setting(
        "SSE4.1, 2 threads",
        {"OMP_NUM_THREADS": "2", "ONEDNN_MAX_CPU_ISA": "SSE41"},
        ops="int8",
        dtype="float64",
    ),
    Setting("no vectors, no batches", ops=next(iter(all_operations())), windows_per_batch=1),
    Setting("no compiled code", missing=COMPILED, crops=True),
]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("images")
    paths = [folder / "a.png", folder / "b.png"]
    for i, path in enumerate(paths):
        photograph(230, 150, seed=i).save(path)
    return paths


def test_all_settings_agree(weights: Path, images: list[Path]) -> None:
    report = verify(images, [20, 90], SETTINGS, str(weights))
    assert report.mismatches == []
    assert report.num_files == 6  # two images at two qualities, and their crops
    assert [row["num_decodes"] for row in report.settings] == [6, 6, 6, 6, 2]
    assert report.num_decodes == 26
    told = {row["name"]: (row["operations"], row["num_threads"]) for row in report.settings}
    assert told["plain, 1 thread"] == ("float32", 1)
    assert told["SSE4.1, 2 threads"] == ("int8", 2)
    assert told["no compiled code"][0] == "reference"


class Slipped(TorchOperations):
    """The residual stream is not rounded."""

    def added(self, layer: Any, x: Array, h: Array) -> Tensor:
        return self.limited(h + self.unrounded(layer, x))


def test_a_float_that_slips_in_is_noticed(
    weights: Path, images: list[Path], tmp_path: Path
) -> None:
    made = encode(load(str(weights)), tmp_path, str(images[0]), 60, crop=False)
    data = (tmp_path / made.file).read_bytes()
    for ops, expected in (
        (TorchOperations(FloatKernel(), CPU), []),
        (Slipped(FloatKernel(), CPU), ["a.png at quality 60"]),
    ):
        found = decode(load(str(weights), ops), data, recode=True)
        assert mismatches([made], {made.file: found}) == expected


@pytest.mark.parametrize("changed", ["tokens", "streams"])
def test_whatever_differs_is_noticed(changed: str) -> None:
    made = Made("folder/a.png", 60, crop=True, file="f", tokens="t", streams="s")
    told = {"tokens": "t", "streams": "s"}
    assert mismatches([made], {"f": told}) == []
    assert mismatches([made], {"f": {**told, changed: "x"}}) == ["a.png at quality 60"]


def test_a_process_that_fails_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(M2TError, match="setting default"):
        run(SETTINGS[0], "no such model", tmp_path)
    assert "no such model" in capfd.readouterr().err


def test_models_in_floating_point_are_refused(weights: Path) -> None:
    with pytest.raises(ConfigError, match="export it first"):
        load(str(weights.with_name("float.safetensors")))


def test_settings_have_names_of_their_own() -> None:
    names = [setting.name for setting in all_settings()]
    assert len(names) == len(set(names))
    assert {setting.ops for setting in all_settings()} >= set(all_operations())


@pytest.mark.parametrize("wrong", [[], ["a.png at quality 51, int8"]])
def test_command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    images: list[Path],
    tmp_path: Path,
    wrong: list[str],
) -> None:
    """The report is written and shown, and a mismatch is an error."""
    row = {"name": "int8", "operations": "int8", "num_decodes": 7, "seconds": 1.5}
    monkeypatch.setattr(check, "verify", lambda *_: Report([row], 7, 7, 3, wrong))
    out = tmp_path / "results" / "x.json"
    monkeypatch.setattr(sys, "argv", ["determinism", str(images[0].parent), "--out", str(out)])
    if wrong:
        with pytest.raises(SystemExit, match=wrong[0]):
            check.main()
    else:
        check.main()
    record = json.loads(out.read_text())
    assert (record["mismatches"], record["settings"], record["num_images"]) == (wrong, [row], 2)
    assert "| int8 | int8 | 7 | 2 |" in capsys.readouterr().out
