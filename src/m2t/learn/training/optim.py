"""Muon (or another) for hidden matrices and convolutions, AdamW for everything else."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..devices.precision import products
from ..networks.model import Model
from ..networks.transformer import EntropyModel
from .config import TrainConfig
from .data import Crops
from .frequencies import even_inputs, kernel_strengths
from .lapped import LappedAdam
from .soap import Soap, as_matrices

# Odd polynomials a x + b x^3 + c x^5 that take singular values to 1, each step tuned to where the
# one before left them (Amsel et al. 2025, "The Polar Express").
COEFFICIENTS = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
_ROWS, _WIDE = 128, 4
"""Mixed stacks hold what needs as many rows, rounded up to that, and is wider than so many times
as wide, or not."""


def orthogonalise(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrices of a stack (N, rows, cols), roughly.

    Newton-Schulz iteration: singular values come out between about 0.7 and 1.2. In bfloat16, but
    where that is slow.
    """
    rows, cols = matrices.shape[-2:]
    x = matrices.mT if rows > cols else matrices
    x = x / (1.02 * x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    x = x.to(products("auto", x.device)).contiguous()
    for a, b, c in COEFFICIENTS:
        gram = torch.bmm(x, x.mT)
        gram = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, gram, x, beta=a)
    return x.mT if rows > cols else x


def orthogonalise_all(matrices: list[Tensor]) -> list[Tensor]:
    """`orthogonalise` for stacks (n, rows, cols) of several shapes, with zeros around the small."""
    wide = [m.mT if m.shape[1] > m.shape[2] else m for m in matrices]
    rows, cols = (max(m.shape[i] for m in wide) for i in (1, 2))
    padded = [F.pad(m, (0, cols - m.shape[2], 0, rows - m.shape[1])) for m in wide]
    parts = orthogonalise(torch.cat(padded)).split([len(m) for m in wide])
    cut = [part[:, : m.shape[1], : m.shape[2]] for part, m in zip(parts, wide, strict=True)]
    return [c.mT if c.shape != m.shape else c for c, m in zip(cut, matrices, strict=True)]


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised (Jordan et al. 2024).

    An update changes a matrix by `lr` in spectral norm, by more where it has more rows than
    columns, so that outputs change by about the same share in layers of all shapes. Matrices of
    one shape go through the iteration together.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float | Tensor,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        inputs: Mapping[Tensor, Tensor] | None = None,
        mixed: bool = False,
    ) -> None:
        """A GPU is faster where stacks are few, so `mixed` lets matrices of like shapes share one.

        `inputs`: for some of the matrices, a matrix (cols, cols) that makes their inputs even.
        They are moved as if their inputs had come through it.
        """
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.inputs, self.mixed = dict(inputs or {}), mixed

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient."""
        assert closure is None
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            if not params:
                continue
            stacks: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for param, step in zip(params, self._nesterov(params, group["momentum"]), strict=True):
                update = as_matrices(step)
                update = update @ self.inputs[param].T if param in self.inputs else update
                stacks[self._stack(update.shape[1:])].append((param, update))
            shrink = 1 - group["lr"] * group["weight_decay"]
            torch._foreach_mul_(params, shrink)  # pyright: ignore[reportPrivateImportUsage]
            for members in stacks.values():
                updates = orthogonalise_all([update for _, update in members])
                for (param, _), update in zip(members, updates, strict=True):
                    size = group["lr"] * math.sqrt(max(1.0, update.shape[1] / update.shape[2]))
                    param.sub_(self._step(param, update).reshape(param.shape) * size)

    def _stack(self, shape: torch.Size) -> tuple[int, ...]:
        """What matrices have in common that go through the iteration together."""
        if not self.mixed:
            return tuple(shape)
        rows = -(-min(shape) // _ROWS) * _ROWS
        return rows, max(shape) > _WIDE * rows

    def _step(self, param: Tensor, update: Tensor) -> Tensor:
        """An orthogonal update in terms of the inputs as they are."""
        even = self.inputs.get(param)
        return update if even is None else update.to(even.dtype) @ even

    def _nesterov(self, params: list[Tensor], momentum: float) -> tuple[Tensor, ...]:
        """The gradients averaged over past steps, looking one step ahead."""
        for param in params:
            if "momentum" not in self.state[param]:
                self.state[param]["momentum"] = torch.zeros_like(param)
        averages = [self.state[param]["momentum"] for param in params]
        grads = [param.grad for param in params if param.grad is not None]
        torch._foreach_lerp_(averages, grads, 1 - momentum)  # pyright: ignore[reportPrivateImportUsage]
        return torch._foreach_lerp(grads, averages, momentum)  # pyright: ignore[reportPrivateImportUsage]


def build_optimizers(
    model: Model | EntropyModel, config: TrainConfig, crops: Crops | None = None
) -> dict[str, torch.optim.Optimizer]:
    """Optimisers by name: "muon", "adam" and "slow", as far as the model has parameters for them.

    The model says which parameters Muon is not meant for (vectors, tables, first and last layers),
    and which of those are to move at a rate of their own ("slow": linear lapped transforms). For
    these, and for layers that see blocks of pixels, `crops` tell what photographs are like.
    "muon" may be another optimiser.
    """
    slow = model.slow_parameters()
    adam = model.adam_parameters() - slow
    groups: dict[str, list[nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        groups["slow" if name in slow else "adam" if name in adam else "muon"].append(parameter)
    optimizers: dict[str, torch.optim.Optimizer] = {}
    for name, parameters in groups.items():
        peak: float | Tensor = peak_rate(config, name)
        if config.graphs:  # what is replayed reads it there
            peak = torch.tensor(peak, device=parameters[0].device)
        decay = config.weight_decay if name == "muon" else 0.0
        if name == "muon" and config.optimizer == "muon":
            inputs: dict[Tensor, Tensor] = {}
            if isinstance(model, Model) and crops is not None and config.precondition:
                own = dict(model.named_parameters())
                even = even_inputs(model, crops)
                inputs = {own[n]: matrix.to(own[n].device) for n, matrix in even.items()}
            optimizers[name] = Muon(
                parameters, peak, weight_decay=decay, inputs=inputs, mixed=parameters[0].is_cuda
            )
        elif name == "muon" and config.optimizer == "soap":
            optimizers[name] = Soap(parameters, peak_rate(config, name), weight_decay=decay)
        elif name == "slow" and config.precondition:
            assert crops is not None
            analysis, synthesis = parameters
            optimizers[name] = LappedAdam(analysis, synthesis, kernel_strengths(crops), peak)
        else:
            optimizers[name] = torch.optim.AdamW(
                parameters,
                peak,
                betas=(0.9, 0.98),
                weight_decay=decay,
                fused=True,
                capturable=config.graphs,
            )
    return optimizers


def set_learning_rates(
    optimizers: dict[str, torch.optim.Optimizer],
    config: TrainConfig,
    step: int,
    seconds: float = 0.0,
) -> None:
    """Give each optimiser its learning rate of `step`, which begins after so many seconds."""
    for name, optimizer in optimizers.items():
        rate = peak_rate(config, name) * config.factor(step, seconds)
        for group in optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


def peak_rate(config: TrainConfig, optimizer: str) -> float:
    """The learning rate after warm-up of "muon", "adam" or "slow"."""
    return {"muon": config.lr_muon, "adam": config.lr_adam, "slow": config.lr_slow}[optimizer]
