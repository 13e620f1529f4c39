"""What is inside a file: its tokens, when each is coded, what each costs, the image on the way."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..codec import Codec
from ..config import STRIDE, Aim
from ..container import parse
from ..errors import ConfigError
from ..geometry.schedule import build
from ..geometry.windows import Latents
from ..rans import Draws
from ..rans.gaussians import expected
from ..rans.layers import Guess
from .coders import Block, Completion, Recorder

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB."""

UNKNOWN_GREY = 64


class Inside:
    """A decoded file of h x w tokens of C channels, and what it takes to look at it step by step.

    After step i, the tokens of groups 0 .. i-1 are known: none at step 0, all at `num_groups`.

    Raises what Codec.decompress() does; ConfigError where the order of tokens depends on the image,
    since only the network knows then which token a symbol belongs to.
    """

    def __init__(self, codec: Codec, data: bytes) -> None:
        if codec.config.schedule.order == "entropy":
            raise ConfigError("cannot look into files whose order of tokens depends on the image")
        stream = parse(data)
        self.codec, self.header, self.num_bytes = codec, stream.header, len(data)
        self.y_hat = codec.decode_latents(stream)
        """(h, w, C)"""
        self.size = self.y_hat.shape[:2]
        self.slices = codec.config.at(self.header.aim).slices
        self.records = record(codec, self.y_hat, self.header.aim)
        self.num_groups = max(map(len, self.records)) // len(self.slices)
        self.bits, self.groups = placed(codec, self.header.aim, self.size, self.records)
        self.image = self._synthesise(self.y_hat)
        """(H, W, 3) as it is decoded."""

    def completed(self, step: int, guess: Callable[[int], Guess]) -> Latents:
        """Tokens (h, w, C), known after a step or filled in: group by group, each given the last.

        Args:
            guess: window index -> what the mixtures of its unknown symbols become.
        """
        num_known = step * len(self.slices)

        def open_coder(window: int) -> Completion:
            known = self.records[window][:num_known]
            return Completion([block.symbols for block in known], guess(window))

        return self.codec.code(self.size, self.header.aim, open_coder).y_hat

    def expected(self, step: int) -> Pixels:
        """The image after a step, where every unknown symbol is what it is predicted to be."""
        return self._synthesise(self.completed(step, lambda _: expected))

    def average(self, step: int, num_samples: int, seed: int = 0) -> Pixels:
        """The average of images after a step whose unknown tokens are drawn from the model."""
        if step >= self.num_groups:
            return self.image  # nothing is left to be drawn
        total = np.zeros(self.image.shape, np.float32)
        for sample in range(num_samples):
            guess = partial(Draws, seed, step, sample)  # and the window: they run in threads
            total += self._synthesise(self.completed(step, guess))
        return np.rint(total / num_samples).astype(np.uint8)

    def known(self, step: int) -> Pixels:
        """The decoded image where tokens are known after a step, grey elsewhere."""
        height, width = self.image.shape[:2]
        known = (self.groups < step).repeat(STRIDE, 0).repeat(STRIDE, 1)[:height, :width, None]
        return np.where(known, self.image, np.uint8(UNKNOWN_GREY))

    def _synthesise(self, y_hat: Latents) -> Pixels:
        header = self.header
        return self.codec.synthesise(y_hat, header.height, header.width, header.aim)


def record(codec: Codec, y_hat: Latents, aim: Aim) -> list[list[Block]]:
    """The blocks of each window of tokens (h, w, C): group by group, slice by slice."""
    return codec.code(y_hat.shape[:2], aim, lambda _: Recorder(), y_hat).results


def placed(
    codec: Codec,
    aim: Aim,
    size: Sequence[int],
    records: Sequence[Sequence[Block]],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Where what was recorded belongs, among (h, w) tokens.

    Returns (h, w, C) what each symbol costs in bits, and (h, w) the group, from 0, of each token.
    """
    slices = codec.config.at(aim).slices
    channels = slices[-1].stop
    all_bits, groups = np.empty((*size, channels), np.float32), np.empty(size, np.int64)
    for window, blocks in zip(codec.windows(size), records, strict=True):
        shape, place = (window.height, window.width), (window.rows, window.columns)
        schedule = build(codec.config.schedule, *shape)
        bits = np.empty((len(schedule.order), channels), np.float32)
        for k, part in enumerate(slices):
            found = np.concatenate([block.bits for block in blocks[k :: len(slices)]])
            bits[schedule.order, part] = found.reshape(len(bits), -1)
        all_bits[place] = bits.reshape(*shape, channels)
        groups[place] = schedule.group_of.reshape(shape)
    return all_bits, groups
