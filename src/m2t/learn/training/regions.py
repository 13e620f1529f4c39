"""The regions of a training step that torch.compile fuses.

Between products a step has some thousand element-wise operations, each of which reads and writes
whole tensors. Compiled, those of a region become a few kernels. A whole model would compile for
minutes, and anew for each shape of crops; a region takes all shapes, and blocks of one kind are
compiled once. What has convolutions is none: their layouts depend on sizes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..networks.model import Model
from ..ssimulacra2 import Parts

HOW: dict[str, Any] = {"dynamic": True, "fullgraph": True}


def compile_regions(model: Model, integers: bool) -> Parts:
    """Compile the regions of `model` where they are, and return those of the loss for the eye.

    With `integers`, the model stays as it is: between its operations, hooks note the largest
    activations and round.
    """
    for region in () if integers else (*model.entropy.blocks, model.entropy.head):
        region.compile(**HOW)
    return Parts(*(torch.compile(part, **HOW) for part in Parts()))


@contextmanager
def all_shapes() -> Iterator[None]:
    """Inside, regions are compiled for sides that differ, even if those of the first crop agree."""
    from torch.fx.experimental import _config  # noqa: PLC0415 - there is no public way

    with _config.patch(use_duck_shape=False):  # pyright: ignore[reportAttributeAccessIssue]
        yield


@contextmanager
def not_compiled() -> Iterator[None]:
    """Inside, regions run as they are: for evaluations, which would be compiled once more."""
    with torch.compiler.set_stance("force_eager"):
        yield
