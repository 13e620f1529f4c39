"""Corruptions and fuzzers, in short: what runs/corruption.sh and runs/fuzz.sh do at length."""

import json
import os
import random
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from m2t.codec import Codec
from m2t.container import parse
from research.attacks import corpus, corruption, counts, headers
from research.attacks.doors import doors, repaired
from research.attacks.layouts import WEIGHTS, sound_files


def test_corruptions_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "corruption.json"
    monkeypatch.setattr(sys, "argv", ["corruption", "--count", "480", "--out", str(out)])
    corruption.main()
    found = json.loads(out.read_text())
    assert (found["count"], found["silent"]) == (480, 0)
    assert {point["kind"] for point in found["points"]} == {
        kind.__name__ for kind in corruption.KINDS
    }
    totals = [
        value for point in found["points"] for key, value in point.items() if "refused:" in key
    ]
    assert sum(totals) == 480


def test_a_wrong_picture_would_be_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A decoder that shows anything as something else is found out."""
    codec = Codec.load(WEIGHTS, num_threads=1)
    [data, *_] = sound_files(codec).values()
    other = sound_files(codec)["layers"]
    expected = codec.decompress(data)
    assert corruption.verdict(codec, data, expected, False) == "the same picture"
    assert corruption.verdict(codec, other, expected.rotate(180), False) == "wrong and silent"


def test_files_of_all_layouts_are_repaired() -> None:
    for data in sound_files(Codec.load(WEIGHTS, num_threads=1)).values():
        assert repaired(data) == data
        damaged = data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]
        assert repaired(damaged) != damaged
        parse(repaired(damaged))


def test_counts_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "core.log"
    log.write_text(
        "Done 10\nstat::number_of_executed_units: 10\nstat::peak_rss_mb:              68\n"
    )
    sound = {"target": "core", "executions": 10, "megabytes": 68, "slowest_seconds": 0}
    assert counts.point(log) == sound | {"findings": 0}
    log.write_text(log.read_text() + "SUMMARY: AddressSanitizer: heap-buffer-overflow\n")
    assert counts.point(log)["findings"] == 1


COMPILER = os.environ.get("CC") or shutil.which("cc")


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_the_core_under_sanitizers(tmp_path: Path) -> None:
    assert COMPILER is not None
    root = Path(__file__).parents[2]
    core, attacks, program = root / "core", root / "tests/attacks", tmp_path / "random_core"
    flags = [COMPILER, "-w", "-g1", "-O1", "-ffp-contract=off", f"-I{core}", "-fsanitize=address"]
    caller = tmp_path / "fuzz_core.o"
    subprocess.run([*flags, "-fwrapv", "-c", attacks / "fuzz_core.c", "-o", caller], check=True)
    flags += ["-fsanitize=undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
    sources = [*sorted(core.glob("*.c")), attacks / "random_core.c"]
    subprocess.run([*flags, *sources, caller, "-lm", "-o", program], check=True)
    # What looks for leaks needs rights that containers may lack.
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    files = [data for name, data in corpus.kept().items() if name.startswith("core/")]
    assert len(files) > 50
    for i, data in enumerate(files):
        (tmp_path / str(i)).write_bytes(data)
    command = [program, "4000", *(tmp_path / str(i) for i in range(len(files)))]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == (f"{4000 + len(files)} inputs\n", "")


@pytest.mark.filterwarnings("ignore")  # of Pillow: fuzzers ignore them, too
@pytest.mark.parametrize("door", ["parse", "decode", "weights", "pillow"])
def test_what_fuzzers_found_out_does_no_harm(door: str) -> None:
    """Inputs that between them reach all that fuzzers reached: none raises what is no error."""
    tried = doors(WEIGHTS)[door]
    inputs = [data for name, data in corpus.kept().items() if name.startswith(f"{door}/")]
    assert len(inputs) > 50
    for data in inputs:
        tried(data)


def test_headers_of_weights_are_changed_as_json() -> None:
    header, tensors = headers.divided(WEIGHTS.read_bytes())
    assert headers.united(header, tensors) == WEIGHTS.read_bytes()
    assert headers.laid_out(header, tensors) is not None
    rng = random.Random(0)
    changed = [headers.mutated(header, rng) for _ in range(100)]
    assert len(set(changed)) > 90
    assert all(json.loads(text) for text in changed if text is not None)
    assert headers.mutated(b"[]", rng) is None
    assert headers.laid_out(b'{"a": {"dtype": "F32", "shape": [-1]}}', tensors) is None
    assert headers.laid_out(b'{"a": {"dtype": "F32", "shape": [99999999]}}', tensors) is None


@pytest.mark.skipif(find_spec("atheris") is None, reason="Atheris is not to be had here")
@pytest.mark.parametrize("door", ["parse", "decode", "weights", "pillow"])
def test_fuzzers_run(
    door: str, weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["corpus", str(tmp_path)])
    corpus.main()
    command = [sys.executable, "-m", "research.attacks.fuzz", door, "--weights", str(weights)]
    subprocess.run([*command, "-runs=100", str(tmp_path / door)], check=True)
