"""Tables with a row for each aim, and the lines through them that floats have instead."""

import torch
from torch import Tensor

from ...config import ModelConfig


def all_aims(config: ModelConfig) -> Tensor:
    """(aims, 2) t of all that the model can be asked for, row by row of its tables."""
    return torch.tensor([config.rate.t(aim) for aim in config.rate.aims()])


def lines_through(config: ModelConfig, table: Tensor) -> list[Tensor]:
    """(C,) vectors a, b, and with two tunes c, d: a + b t + (c + d t) tune is a table (aims, C)."""
    t, tune = all_aims(config).double().split(1, 1)
    columns = [torch.ones_like(t), t]
    if config.rate.eye:
        columns += [tune, tune * t]
    fitted = torch.linalg.lstsq(torch.cat(columns, 1), table.double(), driver="gelsd").solution
    return list(fitted)
