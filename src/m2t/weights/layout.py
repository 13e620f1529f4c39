"""What tensors an exported model has: names, types and shapes follow from its configuration.

docs/format.md tells what they mean. Sizes that a file may choose are ANY.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from ..config import EntropyConfig, ModelConfig, TransformConfig
from ..engine.arithmetic import EXP_ONE, STREAM_LIMIT, WEIGHT_LIMIT
from ..errors import ModelError
from .file import INTEGER, LAPPED, Weights
from .safetensors import Stored

ANY = -1
TAPS = 4
"""Side of the linear kernels, in places at 1/8 resolution."""
BLOCK = 4 * 4 * 3
"""Values of 4x4 pixels."""
PLACE = 4 * BLOCK
"""Values of a place at 1/8."""
NEIGHBOURS = 8
LARGEST_FLOAT = 2.0**30
"""In magnitude."""
DIVISORS = ("gains", "synthesis.unit", ".steps")
"""Tensors of what is divided by, or counts: above 0, as those of 64 bits are."""


class Expected(NamedTuple):
    """A tensor that must be there."""

    name: str
    kind: str
    """As safetensors calls its type."""
    shape: tuple[int, ...]


def check(weights: Weights) -> None:
    """Raise ModelError unless all integers of a model are there, as they should be."""
    expected = entropy(weights.config)
    if any(name.startswith(LAPPED) for name in weights.tensors):
        expected = chain(expected, transforms(weights.config))
        _check_words(weights.config.transform)
    for name, kind, shape in expected:
        stored = weights.tensors.get(name)
        if stored is None:
            raise _unfit(f"no {name}")
        sizes = zip(shape, stored.array.shape, strict=False)
        same = len(shape) == stored.array.ndim and all(a in (b, ANY) for a, b in sizes)
        if stored.kind != kind or not same or stored.array.size == 0:
            raise _unfit(f"{name} is {stored.kind} {stored.array.shape}, not {kind} {shape}")
        _check_values(name, stored)


def _check_words(t: TransformConfig) -> None:
    """Raise ModelError unless the core can take windows of several rows of places: whole words."""
    halves = t.fine_blocks or not t.linear_analysis  # there are places half as wide
    words = t.width % (8 if halves else 4) == 0 and t.render_width % 2 == 0
    if not words:
        raise ModelError("transforms must have places of a multiple of four bytes")


def _check_values(name: str, stored: Stored) -> None:
    """Raise ModelError for values with which some operation would not give the integer it should.

    Sums and products of what is left are never NaN, nor are their quotients and roots.
    """
    kind, array = stored
    low, high = float(array.min()), float(array.max())  # NaN where one is
    if array.dtype.kind == "f":
        least = 1 / LARGEST_FLOAT if kind == "F64" or name.endswith(DIVISORS) else -LARGEST_FLOAT
        if not least <= low <= high <= LARGEST_FLOAT:
            raise _unfit(f"{name} is not within {least:g} to {LARGEST_FLOAT:g}")
    elif name.endswith(".weight"):
        limit = WEIGHT_LIMIT if kind == "I8" else int(STREAM_LIMIT)
        if not -limit <= low <= high <= limit:
            raise _unfit(f"{name} is not within {-limit} to {limit}")
    if name == INTEGER + "exp_table":
        ascends = (np.diff(array) > 0).any()
        if ascends or array[0] != EXP_ONE or array[-1] != 0 or (array != np.rint(array)).any():
            raise _unfit(f"{name} does not descend from {EXP_ONE} to 0 in integers")


def _unfit(reason: str) -> ModelError:
    return ModelError(f"weights do not fit their configuration: {reason}")


def entropy(config: ModelConfig) -> Iterator[Expected]:
    """Those of the entropy model."""
    e, channels, aims = config.entropy, config.transform.latent_channels, len(config.rate.aims())
    yield Expected(INTEGER + "exp_table", "F32", (ANY,))
    yield Expected(INTEGER + "squash", "I8", (ANY,))
    yield from _layer("embed", e.width, channels)
    yield Expected(INTEGER + "mask", "F32", (e.width,))
    yield Expected(INTEGER + "positions", "F32", (e.window**2, e.width))
    yield Expected(INTEGER + "quality", "F32", (aims, e.width))
    if e.source_positions:
        yield Expected(INTEGER + "source_positions", "F32", (e.window**2, e.width))
    if e.neighbours:
        yield from _layer("neighbours", e.width, NEIGHBOURS * channels)
        yield Expected(INTEGER + "neighbours_known", "F32", (NEIGHBOURS, e.width))
    for i in range(e.layers):
        yield from _transformer_block(f"blocks.{i}.", e)
    yield from _norm("norm", e)
    for name in ("means", "rungs"):
        yield Expected(f"{INTEGER}head.{name}", "F32", (aims, channels))
    if e.head_width:
        yield from _layer("head.from_trunk", len(config.slices) * e.head_width, e.width)
    for k, part in enumerate(config.slices):
        if k > 0:
            yield from _layer(f"head.from_earlier.{k - 1}", e.head_width, part.start)
        outputs = 3 * e.mixtures * (part.stop - part.start)
        yield from _layer(f"head.out.{k}", outputs, e.head_width or e.width)


def _transformer_block(name: str, e: EntropyConfig) -> Iterator[Expected]:
    for norm in ("norm_1", "norm_2"):
        yield from _norm(name + norm, e)
    yield from _layer(name + "qkv", 3 * e.width, e.width)
    yield from _layer(name + "out", e.width, e.width)
    yield from _layer(name + "mlp_in", e.mlp_width, e.width)
    yield from _layer(name + "mlp_out", e.width, e.mlp_width)
    for scalar in ("steps", "attended"):
        yield Expected(INTEGER + name + scalar, "F32", ())
    if e.style == "gelu":
        yield Expected(INTEGER + name + "activation", "I8", (255,))


def _layer(name: str, rows: int, columns: int) -> Iterator[Expected]:
    yield Expected(f"{INTEGER}{name}.weight", "I8", (rows, columns))
    for part in ("multiplier", "bias"):
        yield Expected(f"{INTEGER}{name}.{part}", "F32", (rows,))


def _norm(name: str, e: EntropyConfig) -> Iterator[Expected]:
    yield Expected(f"{INTEGER}{name}.eps", "F64", ())
    for part in ("gain", "bias") if e.style == "gelu" else ("gain",):
        yield Expected(f"{INTEGER}{name}.{part}", "F32", (e.width,))


def transforms(config: ModelConfig) -> Iterator[Expected]:
    """Those of the lapped transforms."""
    t, tuned = config.transform, bool(config.rate.eye)
    channels, fine = t.latent_channels, t.width // 2
    yield Expected(LAPPED + "gains", "F32", (len(config.rate.aims()), channels))
    yield from _conv("analysis", channels, TAPS, PLACE)
    if not t.linear_analysis:
        yield from _nonlinear(t)
    yield Expected(LAPPED + "synthesis.unit", "F32", (channels,))
    for unit in ("coarse_unit", "last_unit"):
        yield Expected(f"{LAPPED}synthesis.{unit}", "F64", ())
    yield from _conv("synthesis.linear", PLACE, TAPS, channels)
    yield from _conv("synthesis.enter", t.width, 1, channels)
    for i in range(t.blocks):
        yield from _aimed_block(f"synthesis.blocks.{i}", t.width, tuned)
    if t.fine_blocks:
        yield Expected(LAPPED + "synthesis.fine.unit", "F64", ())
        yield from _conv("synthesis.fine.spread", 4 * fine, 1, t.width)
        yield from _conv("synthesis.fine.blend", fine, 1, PLACE)
        for i in range(t.fine_blocks):
            yield from _aimed_block(f"synthesis.fine.blocks.{i}", fine, tuned)
        yield from _conv("synthesis.fine.leave", 4 * t.render_width, 1, fine)
    yield from _conv("synthesis.spread", 16 * t.render_width, 1, t.width)
    yield from _conv("synthesis.blend", t.render_width, 1, BLOCK)
    yield from _conv("synthesis.render", t.render_width, 3, t.render_width)
    yield from _conv("synthesis.leave", BLOCK, 1, t.render_width)


def _nonlinear(t: TransformConfig) -> Iterator[Expected]:
    """What the analysis has beside its linear part."""
    fine = t.width // 2
    for unit in ("fine_unit", "coarse_unit"):
        yield Expected(f"{LAPPED}analysis.{unit}", "F64", ())
    yield from _conv("analysis.enter", fine, 1, PLACE)
    for name in ("block", *(f"fine.{i}" for i in range(t.fine_blocks))):
        yield from _block(f"analysis.{name}", fine)
    yield from _conv("analysis.down", t.width, 2, fine)
    for i in range(t.blocks):
        yield from _block(f"analysis.blocks.{i}", t.width)
    yield from _conv("analysis.leave", t.latent_channels, 1, t.width)


def _aimed_block(name: str, width: int, tuned: bool) -> Iterator[Expected]:
    yield from _block(name, width)
    yield Expected(f"{LAPPED}{name}.quality", "F32", (width,))
    yield Expected(f"{LAPPED}{name}.tune", "F32", (width if tuned else 1,))


def _block(name: str, width: int) -> Iterator[Expected]:
    for scalar in ("eps", "normed_unit", "hidden_unit"):
        yield Expected(f"{LAPPED}{name}.{scalar}", "F64", ())
    yield Expected(f"{LAPPED}{name}.gain", "F32", (width,))
    yield from _conv(f"{name}.first", width, 3, width, "I8")
    yield from _conv(f"{name}.second", width, 3, width, "I8")


def _conv(name: str, outputs: int, side: int, inputs: int, kind: str = "I16") -> Iterator[Expected]:
    yield Expected(f"{LAPPED}{name}.weight", kind, (outputs, side, side, inputs))
    for part in ("multiplier", "bias"):
        yield Expected(f"{LAPPED}{name}.{part}", "F32", (outputs,))
