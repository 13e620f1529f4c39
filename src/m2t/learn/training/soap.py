"""SOAP: Adam in the eigenbasis of each matrix's gradients (Vyas et al. 2024)."""

from collections.abc import Iterable

import torch
from torch import Tensor

LARGEST = 1024
"""Sides longer than this keep their own basis."""


def as_matrices(weight: Tensor) -> Tensor:
    """(N, rows, cols): a stack as it is, else one matrix; of a convolution (out, in * kh * kw)."""
    return weight if weight.ndim == 3 else weight.flatten(1)[None]


class Side:
    """The basis of the rows (or columns) of a stack of matrices, followed over time."""

    def __init__(self, state: dict[str, Tensor], name: str) -> None:
        self.state, self.gram, self.basis = state, f"{name}_gram", f"{name}_basis"

    def see(self, rows: Tensor, beta: float) -> None:
        """Gradients (N, n, m), whose covariance (N, n, n) the basis is to make diagonal."""
        if rows.shape[1] > LARGEST:
            return
        gram = rows @ rows.mT
        if self.gram in self.state:
            self.state[self.gram].lerp_(gram, 1 - beta)
        else:
            self.state[self.gram] = gram
            # In float64: in float32 it does not converge where gradients are nearly 0.
            vectors = torch.linalg.eigh(gram.double()).eigenvectors
            self.state[self.basis] = vectors.flip(-1).to(gram)

    def refresh(self) -> Tensor | None:
        """One step of orthogonal iteration; returns how the directions were reordered, (N, n)."""
        if self.gram not in self.state:
            return None
        gram, basis = self.state[self.gram], self.state[self.basis]
        strength = (basis * (gram @ basis)).sum(1)
        order = strength.argsort(1, descending=True)
        basis = basis.gather(2, order[:, None].expand_as(basis))
        self.state[self.basis] = torch.linalg.qr(gram @ basis).Q
        return order

    def into(self, rows: Tensor) -> Tensor:
        """(N, n, m) in the basis."""
        return self.state[self.basis].mT @ rows if self.basis in self.state else rows

    def back(self, rows: Tensor) -> Tensor:
        """(N, n, m) out of it."""
        return self.state[self.basis] @ rows if self.basis in self.state else rows


class Soap(torch.optim.Optimizer):
    """Both sides of a matrix are rotated, as far as they are short enough."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        frequency: int = 10,
    ) -> None:
        """`frequency`: steps between refreshments of the bases."""
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "frequency": frequency})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient."""
        assert closure is None
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    update = self._update(as_matrices(param.grad), self.state[param], group)
                    param.mul_(1 - group["lr"] * group["weight_decay"])
                    param.add_(update.reshape(param.shape), alpha=-group["lr"])

    def _update(self, grad: Tensor, state: dict[str, Tensor], group: dict) -> Tensor:
        """Adam's step (N, rows, cols), of about 1 in each element of the rotated matrix."""
        first, second = group["betas"]
        left, right = Side(state, "left"), Side(state, "right")
        left.see(grad, second)
        right.see(grad.mT, second)
        if "count" not in state:
            state["count"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(grad), torch.zeros_like(grad)
            # In its own basis a gradient is diagonal: what is 0 elsewhere would be scaled up to 1.
            return torch.zeros_like(grad)
        state["count"] += 1
        count = int(state["count"])

        def rotated(matrices: Tensor) -> Tensor:
            return right.into(left.into(matrices).mT).mT

        mean = state["mean"].lerp_(grad, 1 - first)
        square = state["square"].lerp_(rotated(grad).square(), 1 - second)
        step = rotated(mean) / (1 - first**count)
        step /= (square / (1 - second**count)).sqrt() + group["eps"]
        update = left.back(right.back(step.mT).mT)
        if count % group["frequency"] == 0:
            for dim, side in ((1, left), (2, right)):
                if (order := side.refresh()) is not None:
                    index = order.unsqueeze(3 - dim).expand_as(square)
                    square.copy_(square.gather(dim, index))
        return update
