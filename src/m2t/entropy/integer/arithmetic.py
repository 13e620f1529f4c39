"""Operations on single numbers that IEEE 754 defines to the last bit.

Integers travel in float32 tensors, which hold them exactly up to 2^24. Every operation here is one
of: an exact one (comparison, clamp, conversion, sum of integers that stays below 2^24 or, in
float64, 2^53), or a correctly rounded one (+, -, *, /, sqrt, round half to even) applied to each
element on its own. None depends on the order of a sum or on a function that platforms compute
differently, such as exp.
"""

import torch
from torch import Tensor

RESIDUAL_LIMIT = 2.0**20
"""Largest absolute value in the residual stream: 768 squares then sum to less than 2^53."""
WEIGHT_SUM = 2.0**16
"""What attention weights sum to, about: times 127, below 2^24."""
EXP_ONE = 2**14
"""exp(0) in the table of exponentials: 576 of them sum to less than 2^24."""
EXP_STEPS = 64
"""Entries of that table per unit of its argument."""


def rounded(x: Tensor) -> Tensor:
    """To the nearest integer, halves to even."""
    return torch.round(x)


def saturated(x: Tensor) -> Tensor:
    """Integers in float32 -> int8, clamped to -127..127."""
    return x.clamp(-127, 127).to(torch.int8)


def added(h: Tensor, update: Tensor) -> Tensor:
    """The residual stream with an update, kept within its limit."""
    return (h + update).clamp(-RESIDUAL_LIMIT, RESIDUAL_LIMIT)


def rms_normed(h: Tensor, gain: Tensor, eps: float) -> Tensor:
    """int8 of h gain / rms(h), over the last dimension.

    The sum of squares is exact in float64; mean, root and reciprocal are rounded once each.
    """
    squares = h.double().square().sum(-1, keepdim=True)
    scale = (1.0 / torch.sqrt(squares / h.shape[-1] + eps)).float()
    return saturated(rounded(h * scale * gain))


def layer_normed(h: Tensor, gain: Tensor, bias: Tensor, eps: float) -> Tensor:
    """int8 of (h - mean) gain / deviation + bias, over the last dimension.

    With integer sums S of h and Q of squares, n^2 variance = n Q - S^2, exact in 64-bit integers.
    """
    n = h.shape[-1]
    whole = h.to(torch.int64)
    sums = whole.sum(-1, keepdim=True)
    spread = n * whole.square().sum(-1, keepdim=True) - sums.square()
    scale = (1.0 / torch.sqrt(spread.double() / (n * n) + eps)).float()
    mean = (sums.double() / n).float()
    return saturated(rounded((h - mean) * scale * gain + bias))


def exponentials(drop: Tensor, table: Tensor) -> Tensor:
    """table[drop], for drops >= 0; beyond the table's end, its last entry, 0."""
    return table[drop.clamp(max=len(table) - 1).to(torch.int64)]


def attention_weights(logits: Tensor, steps: float, table: Tensor) -> Tensor:
    """Softmax over the last dimension, in units of 1 / WEIGHT_SUM.

    Args:
        logits: exact products of queries and keys; very negative where nothing may be seen.
        steps: entries of the table per unit of a logit.
        table: EXP_ONE exp(-i / EXP_STEPS).
    """
    drop = logits.amax(-1, keepdim=True) - logits
    terms = exponentials(rounded(drop * steps), table)
    return rounded(terms * (WEIGHT_SUM / terms.sum(-1, keepdim=True)))
