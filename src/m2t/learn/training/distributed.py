"""One process or several (torchrun): the same calls either way."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ...errors import ConfigError


@dataclass(frozen=True)
class World:
    """The processes that train together. Rank 0 logs and saves."""

    rank: int
    size: int
    device: torch.device

    @property
    def leader(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"

    def pinned(self, tensor: Tensor) -> Tensor:
        """A CPU tensor where the device can fetch it by itself while this process goes on."""
        return tensor.pin_memory() if self.on_gpu else tensor

    def wrap(self, model: nn.Module) -> nn.Module:
        """`model` with gradients averaged over the processes."""
        if self.size == 1:
            return model
        return nn.parallel.DistributedDataParallel(model)

    def average(self, values: Tensor) -> Tensor:
        """Mean over the processes."""
        if self.size > 1:
            dist.all_reduce(values.div_(self.size))
        return values

    def maximise(self, vectors: dict[str, Tensor]) -> None:
        """Let each vector have the largest values of all processes, which must ask together."""
        if self.size > 1 and vectors:
            joined = torch.cat(list(vectors.values()))
            dist.all_reduce(joined, dist.ReduceOp.MAX)
            parts = joined.split([len(vector) for vector in vectors.values()])
            vectors.update(zip(vectors, parts, strict=True))

    def agree(self, stop: bool, seconds: float) -> tuple[bool, float]:
        """Whether any process is to stop, and the leader's seconds; all must ask together."""
        if self.size == 1:
            return stop, seconds
        told = torch.tensor([stop, self.leader * seconds], dtype=torch.float64, device=self.device)
        dist.all_reduce(told)
        return bool(told[0] > 0), float(told[1])

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            dist.barrier()


def without_sync(model: nn.Module, last: bool) -> AbstractContextManager[object]:
    """Average gradients at the last micro-batch of a step only."""
    wrapped = isinstance(model, nn.parallel.DistributedDataParallel)
    return model.no_sync() if wrapped and not last else nullcontext()


@contextmanager
def join(device: str) -> Iterator[World]:
    """The world that torchrun announces in the environment, or this process alone."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train.device is cuda, but PyTorch sees no GPU")
    if "RANK" not in os.environ:
        yield World(0, 1, torch.device(device))
        return
    here = torch.device(device)
    if device == "cuda":
        here = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(here)
    dist.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size(), here)
    finally:
        dist.destroy_process_group()
