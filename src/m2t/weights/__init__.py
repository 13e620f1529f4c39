"""Weights: where they are found, how they are read, and the id that files name them by."""

from .file import Weights, read_weights
from .shipped import DEFAULT, locate, shipped

__all__ = ["DEFAULT", "Weights", "locate", "read_weights", "shipped"]
