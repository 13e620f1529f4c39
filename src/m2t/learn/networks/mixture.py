"""Gaussian mixtures of integer symbols: their parameters and their bits (paper 3.3, 3.5)."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

MIN_SCALE, MAX_SCALE = 0.04, 700.0  # the coder's ladder of scales (rans/tables.py)

_SQRT_HALF = math.sqrt(0.5)
_FLOOR = 1e-9  # the coder, too, gives every symbol a least mass


class MixtureParameters(NamedTuple):
    """A mixture of K Gaussians for each channel."""

    means: Tensor
    """(..., K, channels), in quantiser steps."""
    log_scales: Tensor
    """(..., K, channels), natural logarithm, bounded."""
    logits: Tensor
    """(..., K, channels), weights before the softmax."""


class _Bits(torch.autograd.Function):
    """mixture_bits() with its gradient by hand: half the time and memory of autograd's."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, means: Tensor, log_scales: Tensor, logits: Tensor) -> Tensor:
        offset = y.unsqueeze(-2) - means
        inverse = torch.exp(-log_scales).mul_(_SQRT_HALF)
        distance = offset.abs()
        # erfc of distances keeps its precision in the tails, where a difference of CDFs is 0.
        inner, outer = (distance - 0.5).mul_(inverse), distance.add_(0.5).mul_(inverse)
        mass = torch.erfc(inner).sub_(torch.erfc(outer)).mul_(0.5)
        weights = logits.softmax(-2)
        total = (weights * mass).sum(-2).add_(_FLOOR)
        ctx.save_for_backward(offset, inverse, inner, outer, mass, weights, total)
        return total.log2().neg_()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        offset, inverse, inner, outer, mass, weights, total = ctx.saved_tensors
        # d bits / d mass_k, of the components' masses
        slope = (grads[0] / (total * -math.log(2))).unsqueeze(-2) * weights
        grad_logits = slope * (mass - (total - _FLOOR).unsqueeze(-2))
        slope.mul_(1 / math.sqrt(math.pi))
        inner_density, outer_density = torch.exp(-inner * inner), torch.exp(-outer * outer)
        grad_log_scales = slope * (inner * inner_density - outer * outer_density)
        grad_offset = outer_density.sub_(inner_density).mul_(inverse).mul_(slope)
        grad_offset.mul_(offset.sign())
        return grad_offset.sum(-2), -grad_offset, grad_log_scales, grad_logits


def mixture_bits(y: Tensor, p: MixtureParameters) -> Tensor:
    """-log2 of the mass of [y - 1/2, y + 1/2] (paper 3.5, Eq. 1); y (..., channels) -> the same."""
    if torch.compiler.is_compiling():  # what it keeps for the gradient is the compiler's business
        return _plain_bits(y, *p)
    return _Bits.apply(y, *p)  # pyright: ignore[reportReturnType]  (apply is untyped)


def _plain_bits(y: Tensor, means: Tensor, log_scales: Tensor, logits: Tensor) -> Tensor:
    """mixture_bits() by operations that have gradients of their own."""
    distance = (y.unsqueeze(-2) - means).abs()
    inverse = torch.exp(-log_scales) * _SQRT_HALF
    outside = torch.erfc((distance - 0.5) * inverse), torch.erfc((distance + 0.5) * inverse)
    mass = 0.5 * (outside[0] - outside[1])
    return -((logits.softmax(-2) * mass).sum(-2) + _FLOOR).log2()
