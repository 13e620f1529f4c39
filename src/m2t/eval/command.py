"""The `m2t` command in a process of its own, as a user runs it."""

import json
import subprocess
import sys
from typing import Any

from ..errors import M2TError


def run_m2t(*args: object) -> list[dict[str, Any]]:
    """Run `m2t ARGS --json` and return what it tells of each file; M2TError if it fails.

    Its complaints go to our standard error.
    """
    command = [sys.executable, "-m", "m2t", *map(str, args), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise M2TError(f"m2t {args[0]} failed with exit code {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]
