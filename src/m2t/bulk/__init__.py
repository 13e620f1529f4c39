"""Archives of pictures on a cluster, by Ray: `m2t bulk`, and a function over Ray's datasets.

It takes the extra `cluster` (`pip install 'm2t[cluster]'`); nothing else of m2t imports it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .datasets import compress_dataset

_HOMES = {"compress_dataset": ".datasets"}
__all__ = ["compress_dataset"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
