"""The parts of results/endurance.json, each of which a module of its own makes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from m2t.eval.results import versions, write_record

from ..command_line import command_line

Rows = Sequence[dict[str, Any]]


def put(out: Path, module: str, parts: Mapping[str, Rows]) -> None:
    """Write the parts that `module` made to `out`; the others stay."""
    record = json.loads(out.read_text()) if out.exists() else {}
    commands = record.get("commands", {}) | dict.fromkeys(parts, command_line(module, out))
    record |= {"schema": 1, "commands": commands, "versions": versions(), **parts}
    write_record(out, **record)


def report(out: Path, module: str, parts: Mapping[str, Rows], faults: Sequence[str]) -> None:
    """Write the parts; with faults, tell of them and end the process with 1."""
    put(out, module, parts)
    for fault in faults:
        print(fault)
    if faults:
        raise SystemExit(1)
