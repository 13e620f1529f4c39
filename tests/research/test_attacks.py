"""Corruptions and fuzzers, in short: what runs/corruption.sh and runs/fuzz.sh do at length."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from m2t.codec import Codec
from research.attacks import corpus, corruption, counts


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
    codec = Codec.load(corruption.WEIGHTS, num_threads=1)
    [data, *_] = corruption.sound_files(codec).values()
    other = corruption.sound_files(codec)["layers"]
    expected = codec.decompress(data)
    assert corruption.verdict(codec, data, expected, False) == "the same picture"
    assert corruption.verdict(codec, other, expected.rotate(180), False) == "wrong and silent"


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
    command = [program, "4000"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == ("4000 inputs\n", "")


@pytest.mark.skipif(find_spec("atheris") is None, reason="Atheris is no tool of ours")
@pytest.mark.parametrize("door", ["parse", "decode", "weights", "pillow"])
def test_fuzzers_run(
    door: str, weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["corpus", str(tmp_path)])
    corpus.main()
    command = [sys.executable, "-m", "research.attacks.fuzz", door, "--weights", str(weights)]
    subprocess.run([*command, "-runs=100", str(tmp_path / door)], check=True)
