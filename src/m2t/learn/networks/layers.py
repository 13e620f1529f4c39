"""The transformer's blocks: attention with an optional bias and cache, MLP, norms."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .units import Units, between

Style = Literal["gelu", "relu"]


class KeyValueCache:
    """Keys and values of the slots processed so far, for one attention layer."""

    def __init__(self, num_slots: int) -> None:
        self.num_slots = num_slots
        self.length = 0
        self.kv: Tensor | None = None

    def append(self, kv: Tensor) -> Tensor:
        """Add (2, B, heads, n, head_width) and return all so far (2, B, heads, length, ...)."""
        if self.kv is None:
            self.kv = kv.new_empty(*kv.shape[:3], self.num_slots, kv.shape[4])
        end = self.length + kv.shape[3]
        self.kv[:, :, :, self.length : end] = kv
        self.length = end
        return self.kv[:, :, :, :end]


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor | None, cache: KeyValueCache | None) -> Tensor:
        """(B, n, width) -> the same; `bias` (n, n) is very negative where a query may not look."""
        batch, n, width = x.shape
        qkv = self.qkv(x).view(batch, n, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        if cache is not None:
            k, v = cache.append(torch.stack((k, v)))
        # Written out: at these lengths a CPU runs it backwards twice as fast as the fused kernel.
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        scale = q.shape[-1] ** -0.5
        if bias is None:
            weights = torch.bmm(q * scale, k.transpose(1, 2))
        else:
            weights = torch.baddbmm(bias.to(q.dtype), q, k.transpose(1, 2), alpha=scale)
        y = torch.bmm(weights.softmax(-1).to(v.dtype), v).unflatten(0, (batch, self.heads))
        return self.out(y.transpose(1, 2).reshape(batch, n, width))


def norm(width: int, style: Style) -> nn.LayerNorm | nn.RMSNorm:
    """LayerNorm, or RMSNorm (no mean to subtract: friendlier to integers)."""
    return nn.LayerNorm(width) if style == "gelu" else nn.RMSNorm(width, eps=1e-5)


class Block(nn.Module):
    """Pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, width: int, heads: int, mlp_width: int, style: Style) -> None:
        super().__init__()
        self.norm_1 = norm(width, style)
        self.attention = Attention(width, heads)
        self.norm_2 = norm(width, style)
        self.mlp_in = nn.Linear(width, mlp_width)
        self.mlp_out = nn.Linear(mlp_width, width)
        self.activation = F.gelu if style == "gelu" else F.relu

    def units(self) -> Iterator[Units]:
        """Those of the MLP; GELU has none that are all but off."""
        if self.activation is F.relu:
            yield between(self.mlp_in, self.mlp_out)

    def forward(self, x: Tensor, bias: Tensor | None, cache: KeyValueCache | None) -> Tensor:
        """(B, n, width) -> the same."""
        x = x + self.attention(self.norm_1(x), bias, cache)
        return x + self.mlp_out(self.activation(self.mlp_in(self.norm_2(x))))
