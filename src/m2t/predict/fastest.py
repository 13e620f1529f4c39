"""What computes the integer network on this processor: the core, or the reference without it."""

from ..engine.fastest import best_level
from .native import NativeOperations
from .operations import Operations
from .reference import ReferenceOperations


def choose() -> Operations:
    """The fastest operations that give the expected results."""
    level = best_level()
    return ReferenceOperations() if level is None else NativeOperations(level)
