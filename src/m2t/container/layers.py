"""Layers: some steps of all windows, each a chunk, so that a file's first bytes are a picture.

A window's stream is cut where the symbols of a layer end: its parts, put together, are the stream
that a file without layers has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from ..errors import ConfigError, Corrupt, Truncated
from .chunks import MAX_PAYLOAD, Chunk, pack_chunk
from .cursor import Cursor, pack_number
from .strip import pack_streams, take_streams

LAYER = "P"
DEFAULT_LAYERS = 4
"""Of a progressive file. Over a single one they cost 0.37 % of Kodak's bytes at quality 50."""


class Plan(NamedTuple):
    """What the first layer says of all of them."""

    steps: tuple[int, ...]
    """How many steps of the schedule each layer brings."""
    num_windows: int
    num_bytes: int
    """Of all chunks after the first layer's."""

    def pack(self) -> bytes:
        """Some numbers: how many layers, their steps, windows, bytes."""
        numbers = (len(self.steps), *self.steps, self.num_windows, self.num_bytes)
        return b"".join(map(pack_number, numbers))


@dataclass(frozen=True, slots=True)
class Layer:
    """The next part of every window's stream, and a checksum of what it decodes to."""

    parts: list[bytes]
    """One per window, windows in raster order."""
    latents_crc: int
    """Of the layer's symbols, see docs/format.md."""

    def pack(self, index: int, plan: Plan | None = None) -> bytes:
        """The chunk. The first layer has the plan."""
        assert (index == 0) == (plan is not None), "the first layer has the plan"
        payload = [
            pack_number(index),
            plan.pack() if plan else b"",
            self.latents_crc.to_bytes(4, "little"),
            pack_streams(self.parts),
        ]
        return pack_chunk(LAYER, b"".join(payload))


def bundled(steps: int, num_layers: int) -> tuple[int, ...]:
    """How many steps each layer brings: as many as the others, later ones one more.

    Groups grow from step to step, and so do layers: early ones are small. Raises ConfigError where
    there are fewer steps than layers.
    """
    if not 1 <= num_layers <= steps:
        raise ConfigError(f"layers must be in 1..{steps}, not {num_layers}")
    ends = [steps * i // num_layers for i in range(num_layers + 1)]
    return tuple(b - a for a, b in pairwise(ends))


def pack_layers(layers: Sequence[Layer], steps: tuple[int, ...]) -> list[bytes]:
    """The chunks of all layers of a file."""
    assert len(layers) == len(steps) > 1, "a file of one layer has strips"
    later = [layer.pack(i) for i, layer in enumerate(layers[1:], 1)]
    plan = Plan(steps, len(layers[0].parts), sum(map(len, later)))
    return [layers[0].pack(0, plan), *later]


def parse_layer(
    chunk: Chunk, index: int, plan: Plan | None, steps: int, max_windows: int
) -> tuple[Layer, Plan]:
    """The layer of that index, counted from 0, and the plan, which the first one brings.

    Raises Corrupt or LimitExceeded unless all of it fits `steps` of the schedule, at most
    `max_windows`, and the layers before.
    """
    if chunk.kind != LAYER:
        raise Corrupt(f"misplaced chunk '{chunk.kind}' before byte {chunk.position}")
    cursor = Cursor(chunk.payload, chunk.position)
    try:
        found = cursor.number(steps)
        if found != index:
            raise Corrupt(f"layer {found} at byte {chunk.position}, where {index} should be")
        plan = plan or _take_plan(cursor, steps, max_windows)
        latents_crc = int.from_bytes(cursor.take(4), "little")
        return Layer(take_streams(cursor, plan.num_windows), latents_crc), plan
    except Truncated:  # the chunk is whole: what it holds is not
        raise Corrupt(f"chunk at byte {chunk.position} is too short for a layer") from None


def _take_plan(cursor: Cursor, steps: int, max_windows: int) -> Plan:
    num_layers = cursor.number(steps)
    found = tuple(cursor.number(steps) for _ in range(num_layers))
    if num_layers < 2 or min(found) < 1 or sum(found) != steps:
        raise Corrupt(f"{num_layers} layers do not share {steps} steps")
    return Plan(found, cursor.number(max_windows), cursor.number(num_layers * MAX_PAYLOAD))
