"""Tokens to what a file has of them, and back: strips of windows, or layers of steps."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from .checksums import check_latents, latents_crc
from .coding import Coded
from .container import Bitstream, Layer, Strip
from .errors import Corrupt
from .geometry.windows import Latents, Window, which
from .rans import Coder, Decoder, Draws, Encoder, LayerDecoder, LayerEncoder
from .rans.gaussians import expected

Code = Callable[..., Coded[Any]]
"""Codec.code() with an aim."""


class Block(NamedTuple):
    """Some whole windows of a picture."""

    y_hat: Latents
    """Their tokens (h, w, C)."""
    windows: list[Window]
    """As they lie in the block, in raster order."""


def strip_of(code: Code, blocks: Iterable[Block]) -> Strip:
    """The tokens of all blocks as one strip."""
    streams: list[bytes] = []
    crc = 0
    for block in blocks:
        streams += _encoded(code, block, lambda _: Encoder())
        crc = latents_crc(block.y_hat, block.windows, crc)
    return Strip(streams, crc)


def layers_of(
    code: Code, blocks: Iterable[Block], steps: Sequence[int], num_slices: int
) -> list[Layer]:
    """The tokens of all blocks as layers of so many steps each."""
    ends = layer_ends(steps, num_slices)
    by_window: list[Any] = []
    for block in blocks:
        by_window += _encoded(code, block, lambda _: LayerEncoder(ends))
    return [
        Layer([part.data for part in parts], _combined(part.crc for part in parts))
        for parts in zip(*by_window, strict=True)
    ]


def tokens_of(
    code: Code,
    stream: Bitstream,
    windows: list[Window],
    part: Window,
    num_slices: int,
    sample: int | None = None,
) -> Latents:
    """The tokens (h, w, C) of a part of a file's picture; those not there yet, as expected.

    `windows` are those of the whole picture, whose tokens are checked. With the number of a
    `sample`, tokens that are not there are drawn, group by group. Raises FormatError.
    """
    coded = decoded(code, stream, *which(windows, part), part, num_slices, sample)
    if part.area == sum(window.area for window in windows):  # checksums are of the whole
        check_latents(coded.y_hat, windows, stream.strips)
        _check_layers(coded.results, stream.layers)
    return coded.y_hat


def decoded(
    code: Code,
    stream: Bitstream,
    chosen: Sequence[int],
    places: Sequence[Window],
    part: Window,
    num_slices: int,
    sample: int | None,
) -> Coded[Any]:
    """The chosen windows, by their indices among all and their places in the part; not checked."""
    if stream.layers:
        open_decoder, num_steps = _of_layers(stream, num_slices, sample)
    else:
        open_decoder, num_steps = _of_strips(stream)
    return code(
        (part.height, part.width),
        open_coder=lambda i: open_decoder(chosen[i]),
        windows=places,
        num_steps=num_steps,
    )


def missing(stream: Bitstream, num_bytes: int, upto: int | None) -> str | None:
    """How much is there, of layers that were wanted, in so many bytes; None where all is."""
    there, total = len(stream.layers), len(stream.steps)
    if stream.damage or there == min(total, upto or total):
        return None
    share = 100 * num_bytes // stream.num_bytes
    return f"truncated: {there} of {total} layers, {share} % of the bytes"


_Opener = Callable[[int], Coder[Any]]
"""The decoder of a window, by its index."""


def _of_strips(stream: Bitstream) -> tuple[_Opener, int | None]:
    """What decodes windows, and how many steps there are; None: all."""
    streams = stream.windows
    return lambda i: Decoder(streams[i]), None


def _of_layers(
    stream: Bitstream, num_slices: int, sample: int | None
) -> tuple[_Opener, int | None]:
    """The same of files in layers. Symbols that are missing are guessed.

    A sample takes all steps, each given what was drawn before. What is expected of the first half
    of the steps is given to later ones, which are one: that looks best (docs/log.md).
    """
    layers, steps = stream.layers, stream.steps[: len(stream.layers)]
    whole, ends = len(steps) == len(stream.steps), layer_ends(steps, num_slices)

    def open_decoder(i: int) -> LayerDecoder:
        guess = expected if sample is None else Draws(sample, i)
        return LayerDecoder([layer.parts[i] for layer in layers], ends, whole, guess)

    if whole or sample is not None:
        return open_decoder, None
    return open_decoder, max(sum(steps), sum(stream.steps) // 2)


def _encoded(code: Code, block: Block, open_coder: _Opener) -> list[Any]:
    y_hat, windows = block
    return code(y_hat.shape[:2], open_coder=open_coder, y_hat=y_hat, windows=windows).results


def _check_layers(by_window: Sequence[Sequence[int]], layers: Sequence[Layer]) -> None:
    """Raise Corrupt unless the CRC-32s of all windows are those of the layers."""
    for i, layer in enumerate(layers):
        if _combined(crcs[i] for crcs in by_window) != layer.latents_crc:
            raise Corrupt(f"decoded latents of layer {i + 1} do not match their checksum")


def layer_ends(steps: Sequence[int], num_slices: int) -> list[int]:
    """How many blocks of symbols there are up to the end of each layer."""
    return [num_steps * num_slices for num_steps in accumulate(steps)]


def _combined(crcs: Iterable[int]) -> int:
    """CRC-32 of the CRC-32 of each window."""
    return zlib.crc32(b"".join(crc.to_bytes(4, "little") for crc in crcs))
