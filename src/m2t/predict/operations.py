"""What the integer network is made of: operations that give the same integers everywhere.

reference.py defines them, in NumPy; native.py computes them in C, learn/devices/ on GPUs.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..rans.gaussians import Mixture
from .predictor import Span

Array = Any
"""A PyTorch tensor or a NumPy array, as the operations take them."""


class Norm(NamedTuple):
    """Parameters of a norm."""

    gain: Array
    bias: Array | None
    """None: RMSNorm; else LayerNorm."""
    eps: float


class Attention(NamedTuple):
    """Parameters of a layer's attention."""

    heads: int
    steps: float
    """Entries of the table of exponentials per unit of a product."""
    attended: float
    """Units of the output per unit of weighted sum."""
    exponentials: Array
    """EXP_ONE exp(-i / EXP_STEPS), ending with 0."""


class Operations(Protocol):
    """Layers take int8 (n, cols). A "rounded" result is of integers in float32."""

    name: str
    threads: bool
    """They run on one core."""

    def array(self, values: NDArray) -> Array:
        """A constant."""
        ...

    def table(self, values: NDArray[np.float32]) -> Array:
        """A table of exponentials: integers, in float32."""
        ...

    def layer(
        self, weight: NDArray[np.int8], multiplier: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> Any:
        """W x * multiplier + bias, made ready: product and sum are rounded to float32 once each."""
        ...

    def squash(self, symbols: NDArray[np.int32], table: Array) -> Array:
        """The table's entry of each absolute value, with the sign; int8."""
        ...

    def unrounded(self, layer: Any, x: Array) -> Array:
        """The layer's result in float32."""
        ...

    def rounded(self, layer: Any, x: Array) -> Array:
        """The layer's result, rounded."""
        ...

    def saturated(self, layer: Any, x: Array) -> Array:
        """Rounded, and clamped to int8."""
        ...

    def activated(self, layer: Any, x: Array, curve: Array | None) -> Array:
        """Rounded, through ReLU, or a table over -127..127 of another curve; int8."""
        ...

    def added(self, layer: Any, x: Array, h: Array) -> Array:
        """The residual stream h with the rounded result added, within its limit; h may change."""
        ...

    def limited(self, h: Array) -> Array:
        """The residual stream within its limit."""
        ...

    def hidden(self, layer: Any, x: Array, prepared: Array) -> Array:
        """ReLU of the rounded result and `prepared`, in units HIDDEN_STEPS times as large; int8."""
        ...

    def norm(self, norm: Norm, h: Array) -> Array:
        """The stream (n, width) normed, int8."""
        ...

    def cache(self, sizes: Sequence[int], heads: int, head_width: int) -> Any:
        """Room for a layer's keys and values, for windows of so many slots."""
        ...

    def attention(
        self, a: Attention, qkv: Array, cache: Any, spans: Sequence[Span], limits: NDArray
    ) -> Array:
        """int8 queries, keys and values (n, 3 width) -> (n, width); stores keys and values.

        limits: (n,) how many slots of its window each row sees.
        """
        ...

    def mixture(
        self, raw: Array, components: int, means: Array, rungs: Array, exponentials: Array
    ) -> Mixture:
        """The head's results (n, 3 K channels) as integer mixtures.

        Args:
            means: (channels,) 1/64 per unit of a mean.
            rungs: (channels,) added to the rungs.
        """
        ...


def squashed(symbols: NDArray[np.int32], table: NDArray[np.int8]) -> NDArray[np.int8]:
    """The table's entry of each absolute value, with the sign."""
    last = len(table) - 1
    signed = np.concatenate((-table[:0:-1], table))
    return signed[np.clip(symbols, -last, last) + last]
