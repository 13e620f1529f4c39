"""What computes the integer network on this processor: the core, or the reference without it."""

from ..engine.fastest import best_level
from .native import NativeOperations
from .operations import Operations


def choose() -> Operations:
    """The fastest operations that give the expected results."""
    level = best_level()
    if level is None:
        from .reference import ReferenceOperations  # noqa: PLC0415 - compiled code does without

        return ReferenceOperations()
    return NativeOperations(level)
