"""Hostile weights are a ModelError of one sentence, whatever is wrong with them."""

from pathlib import Path

import pytest

from m2t.cli import main

from ..conftest import TINY
from .arena import arena, check
from .weights_files import (
    hostile_headers,
    hostile_options,
    hostile_tensors,
    unusual_options,
    with_options,
)


def test_headers() -> None:
    files = hostile_headers()
    assert check("weights", files.items(), TINY.read_bytes()) == len(files)


def test_options() -> None:
    files = hostile_options()
    assert check("weights", files.items(), TINY.read_bytes()) == len(files)


def test_tensors() -> None:
    files = list(hostile_tensors())
    assert check("weights", files, TINY.read_bytes()) == len(files) > 400


def test_models_that_nobody_trained() -> None:
    """They work, or are refused when they are loaded: never in the middle of a picture."""
    names, files = zip(*unusual_options(), strict=True)
    with arena("weights", TINY.read_bytes()) as tried:
        verdicts = dict(zip(names, tried(files), strict=True))
    for name, verdict in verdicts.items():
        assert verdict.outcome in ("decoded", "refused"), (name, verdict)
        assert verdict.seconds < 2, (name, verdict)
    refused = {name for name, verdict in verdicts.items() if verdict.outcome == "refused"}
    assert refused == {
        "entropy__heads 32",
        "entropy__window 33",
        *(f"transform__width {width}" for width in (2, 4, 6, 10)),
        *(f"transform__render_width {width}" for width in (1, 7)),
    }


def test_one_line_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a file says is told without its escape sequences, which could rewrite a terminal."""
    model, target = tmp_path / "a.safetensors", tmp_path / "a.m2t"
    photo = Path(__file__).parents[2] / "examples" / "photo.png"
    entry = b'{"\\u001b[31m\\n\\u202e": {"dtype": "F32", "shape": [], "data_offsets": [0, 9]}}'
    for content, words in {
        with_options(entropy__heads=0): "heads must be positive",
        with_options(transform__linear_analysis=False): "no lapped.analysis.fine_unit",
        with_options(entropy__layers=10**12): "layers must be in 1..64",
        len(entry).to_bytes(8, "little") + entry: "tensor ?[31m ? does not follow the one before",
    }.items():
        model.write_bytes(content)
        assert main(["compress", str(photo), str(target), "--model", str(model)]) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith("m2t: error: ")
        assert line.isprintable()
        assert words in line
        assert not target.exists()
