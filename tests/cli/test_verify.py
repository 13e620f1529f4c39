"""`m2t verify`, with the real codec."""

import json
from pathlib import Path

import pytest

import m2t as package
from m2t.checksums import latents_sha256
from m2t.cli import main
from m2t.codec import Codec
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
    assert y_hat is not None
    assert found == {"input": "a.m2t", "latents_sha256": latents_sha256(y_hat)}
    assert main(["verify", "b.m2t", "--json"]) == 1
    assert "damaged" in json.loads(capsys.readouterr().out)["error"]


@pytest.fixture
def of_others(files, codec):
    """Among those files, one that names another model."""
    Path("b.m2t").write_bytes(codec.compress(photograph(60, 40), effort=0))
    return ["a.m2t", "b.m2t", "e.m2t"]


@pytest.mark.parametrize("command", [["verify"], ["decompress", "--out-dir", "out"]])
class TestModels:
    """Files are decoded with the weights that they name, or that were named."""

    def test_a_model_that_is_not_here_costs_its_file(self, of_others, codec, command, capsys):
        assert main([*command, *of_others]) == 1
        errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
        wanted = f"needs model {codec.identity.hex()}, which is not shipped: name its weights"
        assert errors == [f"m2t: error: b.m2t: {wanted}"]
        assert sorted(Path("out").glob("*")) == (
            [Path("out/a.png"), Path("out/e.png")] if "--out-dir" in command else []
        )

    def test_weights_that_were_named_are_for_all_files(self, of_others, weights, command, capsys):
        assert main([*command, "--model", str(weights), *of_others]) == 1
        errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
        assert [line.split(": ")[2] for line in errors] == ["a.m2t", "e.m2t"]

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_weights_that_cannot_be_had_are_told_once(self, of_others, command, jobs, capsys):
        assert main([*command, "--jobs", str(jobs), "--model", "none", *of_others]) == 1
        errors = capsys.readouterr().err.splitlines()
        assert errors == ["m2t: error: no model none: neither a file nor a shipped model (light)"]

    def test_each_model_is_loaded_once(self, of_others, command, monkeypatch):
        loaded = []
        for_model = Codec.for_model
        monkeypatch.setattr(
            Codec, "for_model", lambda name, **rest: loaded.append(name) or for_model(name, **rest)
        )
        assert main([*command, "a.m2t", "e.m2t"]) == 0
        assert loaded == [package.load().identity]
