"""What --json prints is what docs/json.md says, of every command."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from m2t.cli import COMMANDS, main
from tests.conftest import photograph

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
    "null": type(None),
}


def tables() -> dict[str, dict[str, list[str]]]:
    """Heading -> key -> its types, "absent" among them."""
    found: dict[str, dict[str, list[str]]] = {}
    heading = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("##"):
            heading = line.strip("# ")
        if line.startswith("| `"):
            keys, kinds, _ = line.strip("| ").split(" | ")
            for key in re.findall(r"`(\w+)`", keys):
                found.setdefault(heading, {})[key] = kinds.split(" or ")
    return found


TABLES = tables()


def faults(found: dict[str, Any], name: str) -> list[str]:
    """What an object has otherwise than its table."""
    table = TABLES[name]
    wrong = [key for key in found if key not in table]
    for key, kinds in table.items():
        if key not in found:
            wrong += [] if "absent" in kinds else [key]
            continue
        allowed = [TYPES[kind] for kind in kinds if kind != "absent"]
        is_wrong = isinstance(found[key], bool) != (bool in allowed)  # which are integers to Python
        if is_wrong or not any(isinstance(found[key], it) for it in allowed):
            wrong.append(key)
    return wrong


@pytest.fixture
def printed(weights, tmp_path, monkeypatch, capsys):
    """Run a command with --json, and give the objects that it prints."""
    monkeypatch.chdir(tmp_path)
    photograph(40, 30).save("photo.png")
    assert main(["compress", "photo.png", "--model", str(weights)]) == 0
    capsys.readouterr()

    def run(*args: object, code: int = 0) -> list[dict[str, Any]]:
        assert main([*map(str, args), "--json", "--model", str(weights)]) == code
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_compress_and_decompress(printed):
    (made,) = printed("compress", "photo.png", "a.m2t")
    (back,) = printed("decompress", "a.m2t", "b.png")
    assert faults(made, "compress") + faults(back, "compress") == []
    assert made["output_bytes"] == made["bytes"] == back["input_bytes"]


def test_ledger(printed):
    Path("bad.png").touch()
    printed("compress", "-r", ".", "--out-dir", "x", "--ledger", "x/ledger", code=1)
    bad, made = map(json.loads, Path("x/ledger").read_text().splitlines())
    assert faults(bad, "error") + faults(made, "compress") == []


def test_verify(printed):
    (found,) = printed("verify", "photo.m2t")
    assert faults(found, "verify") == []


def test_info(printed, weights):
    (found,) = printed("info", "photo.m2t", "--verify")
    assert faults(found, "info") == []
    assert main(["info", "photo.m2t", "--json"]) == 0


def test_info_of_layers(printed):
    printed("compress", "photo.png", "a.m2t", "--layers", 3)
    (found,) = printed("info", "a.m2t", "--verify")
    assert faults(found, "info") == []
    assert [faults(layer, "info: layers") for layer in found["layers"]] == [[]] * 3


def test_compare(printed):
    (found,) = printed("compare", "photo.png", "photo.m2t")
    assert faults(found, "compare") == []


def test_inspect(printed):
    pytest.importorskip("matplotlib")
    (found,) = printed("inspect", "photo.m2t", "--out", "x", "--samples", 1)
    assert faults(found, "inspect") == []
    assert [faults(step, "inspect: steps") for step in found["steps"]] == [[]] * len(found["steps"])


def test_bench(printed):
    (found,) = printed("bench", "photo.png", "--runs", 1, "--warmup", 0)
    assert faults(found, "bench") == []
    for direction in ("encode", "decode"):
        assert faults(found[direction], "bench: encode, decode") == []


@pytest.mark.parametrize("command", ["compress", "decompress", "verify", "info", "bench"])
def test_errors(printed, command):
    Path("bad").write_bytes(b"nonsense")
    options = ["--verify"] if command == "info" else []
    (found,) = printed(command, "bad", *options, code=1)
    assert faults(found, "error") == []


def test_every_command_with_json_is_on_the_page(capsys):
    for command in COMMANDS:
        assert main([command, "--help"]) == 0
        if "--json" in capsys.readouterr().out:
            assert f"`m2t {command}`" in PAGE.read_text()


def test_faults_are_found():
    found = {"input": "a", "latents_sha256": "b"}
    assert faults(found, "verify") == []
    assert faults({**found, "input": None}, "verify") == ["input"]
    assert faults({**found, "more": 1}, "verify") == ["more"]
    assert faults({"input": "a"}, "verify") == ["latents_sha256"]
    assert faults({"input": "a", "error": True}, "error") == ["error"]
