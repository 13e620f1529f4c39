"""`m2t completion`, and what the shells get from it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import m2t
from m2t.cli import main


def completed(words: str, folder: Path) -> list[str]:
    """What bash offers after these words, by the script, with m2t as a program on the path."""
    program = folder / "m2t"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m m2t "$@"\n')
    program.chmod(0o755)
    script = f"""
        eval "$(m2t completion bash)"
        COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        compopt() {{ echo "compopt $*"; }}
        _m2t_completion m2t
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    paths = os.pathsep.join([str(folder), os.environ["PATH"]])
    source = str(Path(m2t.__file__).parents[1])
    made = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": paths, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stderr == ""
    return made.stdout.split("\n")[:-1]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("m2t comp", ["compare", "completion", "compress"]),
        ("m2t compress --out", ["--out-dir"]),
        ("m2t compress --tune ''", ["eye", "psnr"]),
        ("m2t completion f", ["fish"]),
    ],
)
def test_bash_completes(tmp_path, words, offered):
    assert sorted(completed(words, tmp_path)) == sorted(offered)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("m2t compress ph", "default"),
        ("m2t decompress ph", "default"),
        ("m2t verify ph", "default"),
        ("m2t info ph", "default"),
        ("m2t compress photo.png --ledger l", "default"),
        ("m2t compress photo.png --out-dir l", "dirnames"),
    ],
)
def test_bash_completes_files_itself(tmp_path, words, kind):
    assert kind in completed(words, tmp_path)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(capsys, shell):
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert f"_M2T_COMPLETE={shell}_complete" in out
    assert {"bash": "complete -o", "zsh": "#compdef m2t", "fish": "complete --no-files"}[
        shell
    ] in out


def test_other_shells_are_refused(capsys):
    assert main(["completion", "tcsh"]) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err
