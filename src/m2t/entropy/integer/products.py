"""Exact matrix products of small integers, by whatever runs fastest on a machine.

Sums of products of integers are exact, whatever the order of terms, as long as no partial sum
leaves the accumulator's range: int32, or 2^24 for float32. `Linear` proves that for its weights
when it is built: 127 times the sum of a row's absolute weights is the largest one.
"""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...errors import ModelError

WEIGHT_LIMIT = 63
"""7 bits: instructions that add pairs of int8 products in 16 bits (AVX2) cannot saturate."""
EXACT = 2**24


class Kernel(Protocol):
    """One way to compute the products."""

    name: str

    def prepare(self, weight: Tensor) -> Tensor:
        """The int8 weight (rows, cols) as `linear` wants it."""
        ...

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        """x (n, cols) int8 times the prepared weight -> (n, rows) float32."""
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
        return x.float() @ weight.T

    def batched(self, a: Tensor, b: Tensor) -> Tensor:
        """See Kernel."""
        return torch.bmm(a.float(), b.float())


class Int8Kernel(FloatKernel):
    """int8 instructions: 5 times as fast where a CPU has them."""

    name = "int8"

    def prepare(self, weight: Tensor) -> Tensor:
        """Transposed."""
        return weight.T.contiguous()

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        """See Kernel."""
        # It has no public name yet.
        return torch._int_mm(x, weight).float()  # pyright: ignore[reportPrivateImportUsage]


class ReferenceKernel:
    """NumPy, in 64-bit integers: slow, and the definition of the others."""

    name = "reference"

    def prepare(self, weight: Tensor) -> Tensor:
        """Unchanged."""
        return weight

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        """See Kernel."""
        return self.batched(x[None], weight.T[None])[0]

    def batched(self, a: Tensor, b: Tensor) -> Tensor:
        """See Kernel."""
        product = a.cpu().numpy().astype(np.int64) @ b.cpu().numpy().astype(np.int64)
        assert np.abs(product).max(initial=0) <= EXACT, "not exact in float32"
        return torch.from_numpy(product).to(a.device, torch.float32)


KERNELS: tuple[Kernel, ...] = (Int8Kernel(), FloatKernel(), ReferenceKernel())
"""From the fastest to the surest."""


def passes(kernel: Kernel, device: torch.device) -> bool:
    """Whether a kernel gives the reference's results, on ordinary and on extreme numbers."""
    reference, generator = ReferenceKernel(), torch.Generator().manual_seed(0)
    try:
        for n, cols, rows in ((1, 2096, 24), (33, 320, 48), (144, 384, 96)):
            x = torch.randint(-127, 128, (n, cols), generator=generator)
            weight = torch.randint(-63, 64, (rows, cols), generator=generator)
            x[:1], weight[:4] = 127, 63
            weight[4:8] = -63
            x, weight = x.to(device, torch.int8), weight.to(device, torch.int8)
            got = kernel.linear(x, kernel.prepare(weight))
            if not torch.equal(got, reference.linear(x, weight)):
                return False
        weights = torch.randint(0, 228, (2, 9, 576), generator=generator)
        weights[0, 0, 1:], weights[0, 0, 0] = 0, 2**17 - 1
        values = torch.randint(-127, 128, (2, 576, 64), generator=generator)
        a, b = weights.to(device, torch.float32), values.to(device, torch.int8)
        return torch.equal(kernel.batched(a, b), reference.batched(a, b))
    except (RuntimeError, NotImplementedError):  # the machine lacks the instructions
        return False


def choose(device: torch.device) -> Kernel:
    """The fastest kernel that passes the test on this machine; the reference always does."""
    return next(kernel for kernel in KERNELS if passes(kernel, device))


class Linear:
    """y = round(W x * multiplier + bias): int8 in, integers in float32 out."""

    def __init__(self, weight: Tensor, multiplier: Tensor, bias: Tensor, kernel: Kernel) -> None:
        largest = 127 * int(weight.to(torch.int64).abs().sum(1).max())
        if largest >= EXACT or int(weight.to(torch.int64).abs().max()) > WEIGHT_LIMIT:
            raise ModelError("integer weights too large for exact sums")
        self.num_rows = len(weight)
        self.kernel, self.weight = kernel, kernel.prepare(weight)
        self.multiplier, self.bias = multiplier, bias

    def unrounded(self, x: Tensor) -> Tensor:
        """(..., cols) int8 -> (..., rows) float32, product and sum rounded once each."""
        products = self.kernel.linear(x.reshape(-1, x.shape[-1]), self.weight)
        return (products * self.multiplier + self.bias).unflatten(0, x.shape[:-1])

    def __call__(self, x: Tensor) -> Tensor:
        """(..., cols) int8 -> (..., rows) integers in float32."""
        return torch.round(self.unrounded(x))
