"""Constants of the integer operations, and what they must keep within exact ranges.

Integers travel in float32, which holds them exactly up to 2^24, or in int8, int16 and int32. Every
operation on them is one of: an exact one (comparison, clamp, conversion, sum of integers that stays
below 2^24 or, in float64 and int64, 2^53; or that wraps around at 2^32, as all machines do), or a
correctly rounded one (+, -, *, /, sqrt, round half to even) applied to each element on its own.
None depends on the order of a sum, or on a function that platforms compute differently, as exp.

What core/m2t.h says too is the same there (tests/engine/test_core.py).
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ..config import ModelConfig
from ..errors import ModelError

EXACT = 2**24
"""Integers up to here are exact in float32."""
WEIGHT_LIMIT = 63
"""7 bits: instructions that add pairs of int8 products in 16 bits (AVX2) cannot saturate."""
RESIDUAL_LIMIT = 2.0**20
"""Largest absolute value in the residual stream: 768 squares then sum to less than 2^53."""
WEIGHT_SUM = 2.0**14
"""What attention weights sum to, about: each fits into 16 bits."""
EXP_ONE = 2**14
"""exp(0) in the table of exponentials: 576 of them sum to less than 2^24."""
EXP_STEPS = 64
"""Entries of that table per unit of its argument."""
HIDDEN_STEPS = 64
"""The head adds its two inputs in units of 1/64 of the int8 unit that follows."""
STREAM_LIMIT = 2.0**15 - 1
"""Largest absolute value in the 16-bit streams of the transforms."""
TOKEN_LIMIT = 2.0**24
"""Largest absolute value of a token."""


class Finish(IntEnum):
    """What becomes of a product's sums, times multiplier, plus bias (core/m2t.h: m2t_finish)."""

    RAW = 0
    ROUNDED = 1
    ADDED = 2
    HIDDEN = 3
    SATURATED = 4
    RELU = 5
    CURVE = 6
    STREAM = 7
    STREAM_ADDED = 8
    TOKENS = 9


def check_bounds(config: ModelConfig) -> None:
    """Raise ModelError where a sum over the config's sizes could leave its exact range.

    Sums over the columns of weights are proven by check_weight().
    """
    e = config.entropy
    num_slots = e.window**2
    if e.width // e.heads % 2:
        raise ModelError("each head must have an even width")
    bounds = {
        "exponentials of a window": num_slots * EXP_ONE <= EXACT,
        # The differences of two of them, that is.
        "products of a query and a key": e.width // e.heads * 127**2 * 2 <= EXACT,
        # Each weight is rounded, up by 1/2 at most.
        "values of a window": (WEIGHT_SUM + num_slots / 2 + 1) * 127 <= EXACT,
        "squares of a token": e.width * RESIDUAL_LIMIT**2 <= 2**53,
        "LayerNorm": e.style == "relu" or (e.width * RESIDUAL_LIMIT) ** 2 < 2**63,
    }
    for name, holds in bounds.items():
        if not holds:
            raise ModelError(f"too large for exact integers: {name}")


def check_layer(weight: NDArray[np.int8]) -> None:
    """Raise ModelError unless a layer's products with int8 are exact; weight (rows, columns)."""
    magnitude = np.abs(weight).view(np.uint8)  # that of -128 is -128, and 128 without a sign
    sums = magnitude.sum(1, dtype=np.uint32)
    check_weight(int(magnitude.max(initial=0)), int(sums.max(initial=0)))


def check_weight(largest: int, largest_row: int) -> None:
    """Raise ModelError unless products with int8 inputs are exact.

    Args:
        largest: the largest absolute value of a weight.
        largest_row: the largest sum of a row's absolute values.
    """
    if 127 * largest_row >= EXACT or largest > WEIGHT_LIMIT:
        raise ModelError("integer weights too large for exact sums")
