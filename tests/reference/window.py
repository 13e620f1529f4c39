"""One window: group by group, slice by slice, from its stream to its tokens.

docs/format.md, "Streams" and "Incomplete files".
"""

import itertools
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import schedule
from .network import Network
from .operations import Array
from .rans import Mixture, Stream
from .reader import as_int32
from .slots import m2t_slots, mt_slots

SURE_RUNG = 48
"""Scales below this rung count as this one where tokens are ordered by how sure they are."""


class Window:
    """A window of height x width tokens, as far as it is decoded."""

    def __init__(
        self, network: Network, options: dict[str, Any], height: int, width: int, aim: int
    ) -> None:
        self.network, self.options, self.aim = network, options, aim
        self.height, self.width = height, width
        num = height * width
        sizes = schedule.group_sizes(num, options["steps"], round(10 * options["alpha"]))
        self.ends = list(itertools.accumulate(sizes))
        self.num_groups = 0
        """That are decoded."""
        self.y_hat = np.zeros((num, network.num_channels), np.int64)
        self.tokens = np.zeros((num + 1, network.num_channels), np.int64)
        """`y_hat` as the network takes it, then a token of zeros."""
        self.known = np.zeros(num, bool)
        self.by_model = options["order"] == "entropy"
        self.order = [] if self.by_model else self.fixed_order()

    def fixed_order(self) -> list[int]:
        """The order of tokens, where it does not depend on what they are."""
        return schedule.order(self.options["order"], self.height, self.width, self.options["seed"])

    def decode(self, parts: Sequence[bytes], steps: Sequence[int]) -> list[int]:
        """Decode the stream's parts, of so many steps each; returns the CRC-32 of their symbols.

        Tokens that the parts do not have get the symbols that are expected.
        """
        stream, crcs = Stream(parts[0]), []
        for i, (part, stop) in enumerate(zip(parts, itertools.accumulate(steps), strict=True)):
            if i > 0:
                stream.add(part)
            symbols: list[int] = []
            while self.num_groups < min(stop, len(self.ends)):
                end = self.ends[self.num_groups]
                symbols += self.decode_group(end, stream.symbol)
            stream.check_used_up()
            crcs.append(zlib.crc32(as_int32(symbols)))
        if sum(steps) == self.options["steps"]:
            stream.check_end()
        else:
            self.expect()
        return crcs

    def expect(self) -> None:
        """The symbols that are expected of all tokens left: group by group, then together."""
        for end in self.ends[self.num_groups : self.options["steps"] // 2]:
            self.decode_group(end, lambda mixture: mixture.rounded_mean)
        if not self.known.all():
            self.decode_group(len(self.known), lambda mixture: mixture.rounded_mean)

    def decode_group(self, end: int, code: Callable[[Mixture], int]) -> list[int]:
        """Decode the next group, which ends at the token `end` of the order."""
        start = int(self.known.sum())
        group, trunk = self.predict(start, end)
        symbols: list[int] = []
        for k, channels in enumerate(self.network.slices):
            mixtures = self.network.mixtures(k, trunk, self.tokens[group], self.aim)
            found = [[code(mixture) for mixture in token] for token in mixtures]
            self.y_hat[group, channels] = found
            self.tokens[group, channels] = self.network.squash(np.array(found))
            symbols += itertools.chain.from_iterable(found)
        self.known[group] = True
        self.num_groups += 1
        return symbols

    def predict(self, start: int, end: int) -> tuple[Array, Array]:
        """The group's tokens, and the network's output for each of them."""
        height, width = self.height, self.width
        if self.network.entropy["masking"] == "m2t":
            ends = [*self.ends[: self.num_groups], end]
            slots = m2t_slots(self.order, ends, height, width)
            trunk = self.network.trunk(self.tokens, slots, width, self.aim)
            return slots.target[start:], trunk[start:]
        slots = mt_slots(self.known, height, width)
        trunk = self.network.trunk(self.tokens, slots, width, self.aim)
        group = self.surest(trunk, end - start) if self.by_model else self.order[start:end]
        return np.array(group), trunk[group]

    def surest(self, trunk: Array, num: int) -> list[int]:
        """The unknown tokens that the model is surest of, ties in raster order."""
        doubt = [0] * len(trunk)
        for k in range(len(self.network.slices)):
            nothing = np.zeros((len(trunk), self.network.num_channels), np.int64)
            for i, token in enumerate(self.network.mixtures(k, trunk, nothing, self.aim)):
                for mixture in token:
                    scales = zip(mixture.rungs, mixture.weights, strict=True)
                    doubt[i] += sum(max(rung, SURE_RUNG) * weight for rung, weight in scales)
        unknown = [i for i in range(len(trunk)) if not self.known[i]]
        return sorted(unknown, key=lambda i: doubt[i])[:num]
