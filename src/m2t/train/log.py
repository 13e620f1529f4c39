"""The log of a run: JSON lines in RUN/log.jsonl, TensorBoard if asked for."""

import json
from pathlib import Path
from typing import Any

from ..errors import ConfigError


class Log:
    """Writes records; a resumed run first drops those of steps that it will do again."""

    def __init__(self, out: Path, step: int, tensorboard: bool) -> None:
        path = out / "log.jsonl"
        kept = [line for line in _lines(path) if _step(line) <= step]
        path.write_text("".join(line + "\n" for line in kept))
        self._file = path.open("a")
        self._board = _summary_writer(out / "tensorboard", step) if tensorboard else None

    def write(self, kind: str, step: int, record: dict[str, Any]) -> None:
        """Append a record of `kind` "train" or "eval" after `step` steps."""
        self._file.write(json.dumps({"kind": kind, "step": step, **record}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in record.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _step(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except ValueError:
        return float("inf")  # a line cut short by a crash


def _summary_writer(folder: Path, step: int):  # noqa: ANN202 - an optional dependency's type
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            'train.tensorboard needs the package tensorboard: pip install "m2t[train]"'
        ) from error
    return SummaryWriter(str(folder), purge_step=step + 1)
