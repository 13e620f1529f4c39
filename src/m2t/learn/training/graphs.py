"""Functions of tensors on a GPU whose kernels are launched together, as CUDA graphs.

A step of training launches some thousand small kernels, one by one, which takes longer than the
kernels themselves. A graph of them is launched at once.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class _Graph(NamedTuple):
    """What was captured for arguments of some shapes."""

    graph: torch.cuda.CUDAGraph
    result: Tensor


class Replayed:
    """A function that is captured once for each combination of its arguments' shapes.

    The first call of a kind runs as it is, which lets libraries choose their kernels; the second is
    captured; from then on it is replayed. Beside its arguments and random numbers, which are drawn
    anew, the function may read and write only what stays at its place in memory, and it must not
    wait for the GPU. A result is good until the next call.
    """

    def __init__(self, function: Callable[..., Tensor], device: torch.device) -> None:
        self._function = function
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()  # graphs run in turn: they can share memory
        self._inputs: dict[tuple[torch.Size, ...], list[Tensor]] = {}
        self._graphs: dict[tuple[torch.Size, ...], _Graph] = {}

    def __call__(self, *arguments: Tensor) -> Tensor:
        """The function's result for tensors that are on the device, or in pinned memory."""
        kind = tuple(argument.shape for argument in arguments)
        known = kind in self._inputs
        if not known:
            self._inputs[kind] = [torch.empty_like(a, device=self._device) for a in arguments]
        inputs = self._inputs[kind]
        for place, argument in zip(inputs, arguments, strict=True):
            place.copy_(argument, non_blocking=True)
        if not known:
            return self._run(inputs)
        if kind not in self._graphs:
            self._graphs[kind] = self._capture(inputs)
        self._graphs[kind].graph.replay()
        return self._graphs[kind].result

    def _run(self, inputs: list[Tensor]) -> Tensor:
        """On the stream of the captures: some of autograd's nodes stay with the stream they saw."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = self._function(*inputs)
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def _capture(self, inputs: list[Tensor]) -> _Graph:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()  # a graph's memory is its own
        graph = torch.cuda.CUDAGraph()
        # Other threads may go on to use the GPU's driver: one of them pins batches.
        with torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        ):
            result = self._function(*inputs)
        return _Graph(graph, result)
