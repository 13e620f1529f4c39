"""Tables with a row for each aim, and the lines through them that floats have instead."""

import torch
from torch import Tensor

from ...config import ModelConfig


def all_aims(config: ModelConfig) -> Tensor:
    """(aims, 2) t of all that the model can be asked for, row by row of its tables."""
    return torch.tensor([config.rate.t(aim) for aim in config.rate.aims()])


def lines_through(
    config: ModelConfig, table: Tensor, level: str, slope: str, rise: str
) -> dict[str, Tensor]:
    """Vectors (C,) by their names, so that level + slope t is a table (aims, C).

    With two tunes, what the second adds to both is found as well, by names that begin with tuned_;
    where the config has a `rise`, by how much the slope is larger from there on.
    """
    t, tune = all_aims(config).double().split(1, 1)
    columns = {level: torch.ones_like(t), slope: t}
    if config.rate.eye:
        columns |= {f"tuned_{level}": tune, f"tuned_{slope}": tune * t}
    if config.rise is not None:
        columns[rise] = (t - config.rise).clamp_min(0)
    known = torch.cat(list(columns.values()), 1)
    fitted = torch.linalg.lstsq(known, table.double(), driver="gelsd").solution
    return dict(zip(columns, fitted, strict=True))
