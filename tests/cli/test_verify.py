"""`m2t verify`, with the real codec."""

import json
from pathlib import Path

import pytest

import m2t as package
from m2t.checksums import latents_sha256
from m2t.cli import main
from tests.conftest import photograph


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A sound file, one with a flipped bit in its tokens, a truncated one, and one that is none."""
    monkeypatch.chdir(tmp_path)
    data = package.compress(photograph(60, 40), effort=0)
    flipped = bytearray(data)
    flipped[-12] ^= 1
    contents = {
        "a.m2t": data,
        "b.m2t": flipped,
        "c.m2t": data[:-5],
        "d.m2t": b"\x89PNG",
        "e.m2t": data,
    }
    for name, content in contents.items():
        Path(name).write_bytes(content)
    return data


def test_sound_and_damaged_files_are_told_apart(files, capsys):
    assert main(["verify", "a.m2t", "b.m2t", "c.m2t", "d.m2t", "none.m2t", "e.m2t"]) == 1
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert (lines[0], lines[-1]) == ("a.m2t: sound", "e.m2t: sound")
    starts = [line.split(": ")[:3] for line in lines[1:-1]]
    assert starts == [["m2t", "error", f"{name}.m2t"] for name in ("b", "c", "d", "none")]
    assert f"truncated at byte {len(files) - 5}" in lines[2]
    assert sorted(path.name for path in Path().iterdir()) == [f"{c}.m2t" for c in "abcde"]


def test_json(files, capsys):
    assert main(["verify", "a.m2t", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    y_hat = package.load().verified(files)
    assert found == {"input": "a.m2t", "latents_sha256": latents_sha256(y_hat)}
    assert main(["verify", "b.m2t", "--json"]) == 1
    assert "damaged" in json.loads(capsys.readouterr().out)["error"]
