"""Training: data, loss, optimisers, the loop. docs/training.md tells how to use it."""

from .config import TrainConfig
from .loop import run

__all__ = ["TrainConfig", "run"]
