"""Exact matrix products of small integers, by whatever runs fastest on a machine.

Sums of products of integers are exact, whatever the order of terms, as long as no partial sum
leaves the accumulator's range: int32, or 2^24 for float32. arithmetic.check_weight() proves that of
weights: 127 times the sum of a row's absolute values is the largest one.
"""

from typing import Protocol

import torch
from torch import Tensor


class Kernel(Protocol):
    """One way to compute the products."""

    name: str

    def prepare(self, weight: Tensor) -> Tensor:
        """The int8 weight (rows, cols) as `linear` wants it."""
        ...

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        """x (n, cols) int8 times the prepared weight -> (n, rows or more) float32."""
        ...

    def batched(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, n, k) @ (B, k, m) of integers, in float32 or int8, sums below 2^24 -> float32."""
        ...


class FloatKernel:
    """float32 products: everywhere."""

    name = "float32"

    def prepare(self, weight: Tensor) -> Tensor:
        """As float32."""
        return weight.float()

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        """See Kernel."""
        with torch.autocast(x.device.type, enabled=False):
            return x.float() @ weight.T

    def batched(self, a: Tensor, b: Tensor) -> Tensor:
        """See Kernel."""
        with torch.autocast(a.device.type, enabled=False):
            return torch.bmm(a.float(), b.float())


class Int8Kernel(FloatKernel):
    """int8 instructions: 5 times as fast where a CPU has them."""

    name = "int8"

    def prepare(self, weight: Tensor) -> Tensor:
        """Transposed, with zeros for more rows.

        oneDNN saturates products with a single row on some processors, and PyTorch misreads a
        single column unless its strides are those of a new tensor.
        """
        rows, columns = weight.shape
        padded = weight.new_zeros(columns, -(-rows // 16) * 16)
        padded[:, :rows] = weight.T
        return padded

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        """See Kernel."""
        # It has no public name yet.
        return torch._int_mm(x, weight).float()  # pyright: ignore[reportPrivateImportUsage]


KERNELS: tuple[Kernel, ...] = (Int8Kernel(), FloatKernel())
"""From the fastest to the surest."""
