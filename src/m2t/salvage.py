"""Tokens of a file that is damaged: those of windows that are intact, and what stands for others.

A stream ends in a state that says whether it is intact, wrongly once in 2^32 (docs/format.md). So
each window is tried as it stands in the file.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import streams
from .checksums import check_latents
from .container import Bitstream
from .errors import Corrupt, FormatError
from .geometry.windows import Latents, Window, which
from .image import warn
from .rans import Coder, Decoder, LayerDecoder, Mixture
from .rans.gaussians import expected
from .streams import Code, layer_ends

NAMED = 8
"""So many lost windows are named, not more."""


class _Tried:
    """A decoder that goes on with what is expected where its stream turns out to be damaged."""

    def __init__(self, open_decoder: Any) -> None:
        self._decoder: Coder[Any] | None = None
        with suppress(FormatError):
            self._decoder = open_decoder()

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """See Coder."""
        if self._decoder is not None:
            try:
                return self._decoder.code(symbols, mixture)
            except FormatError:
                self._decoder = None
        return expected(mixture)

    def finish(self) -> bool:
        """Whether the stream is intact."""
        if self._decoder is None:
            return False
        try:
            self._decoder.finish()
        except FormatError:
            return False
        return True


class _Chosen(NamedTuple):
    """The windows that are asked for."""

    indices: list[int]
    """Among all."""
    places: list[Window]
    """Where they lie in the part of the picture."""


def tokens_of(
    code: Code,
    stream: Bitstream,
    windows: list[Window],
    part: Window,
    num_slices: int,
    sample: int | None = None,
) -> Latents:
    """As streams.tokens_of(), and of damaged files, with an ImageWarning of what is lost."""
    if stream.damage and (stream.strips or len(stream.layers) == len(stream.steps)):
        return _salvaged(code, stream, windows, part, num_slices, sample)
    if stream.damage:
        num_layers = f"{len(stream.layers)} of {len(stream.steps)} layers"
        warn(f"{'; '.join(stream.damage)}: {num_layers} are shown")
    return streams.tokens_of(code, stream, windows, part, num_slices, sample)


def _salvaged(
    code: Code,
    stream: Bitstream,
    windows: list[Window],
    part: Window,
    num_slices: int,
    sample: int | None,
) -> Latents:
    """Each window as it stands in the file.

    One that is lost has zeros, which are grey, or where the layers before the damaged one are
    there, those and what is expected. Raises Corrupt where nothing is intact.
    """
    chosen, size = _Chosen(*which(windows, part)), (part.height, part.width)
    layered = bool(stream.layers)
    parts = [layer.parts for layer in stream.layers] or [_fitted(stream, len(windows))]
    ends = layer_ends(stream.steps, num_slices)

    def open_coder(i: int) -> _Tried:
        its = [some[chosen.indices[i]] for some in parts]
        return _Tried(lambda: LayerDecoder(its, ends, True) if layered else Decoder(its[0]))

    coded = code(size, open_coder=open_coder, windows=chosen.places, num_steps=None)
    lost = [i for i, intact in enumerate(coded.results) if not intact]
    sound = stream.damaged[0] if layered and stream.damaged else 0
    if len(lost) == len(chosen.indices) and not sound:
        raise Corrupt(f"{'; '.join(stream.damage)}: no window of it is intact")
    filled = np.zeros_like(coded.y_hat)
    if sound and lost:
        some = _Chosen([chosen.indices[i] for i in lost], [chosen.places[i] for i in lost])
        before = replace(stream, layers=stream.layers[:sound])
        filled = streams.decoded(code, before, *some, part, num_slices, sample).y_hat
    for i in lost:
        kept = chosen.places[i].common(Window(0, 0, *size))
        coded.y_hat[kept.rows, kept.columns] = filled[kept.rows, kept.columns]
    if not layered and part.area == sum(window.area for window in windows):
        _check_strips(coded.y_hat, windows, stream)
    _tell(stream, [windows[chosen.indices[i]] for i in lost], len(chosen.indices))
    return coded.y_hat


def _fitted(stream: Bitstream, num_windows: int) -> list[bytes]:
    """A stream for each window; where their number is wrong, those whose place is sure."""
    found = stream.windows
    if len(found) != num_windows:
        sure = stream.strips[: stream.damaged[0] + 1] if stream.damaged else stream.strips
        found = [window for strip in sure for window in strip.windows][:num_windows]
    return found + [b""] * (num_windows - len(found))


def _check_strips(y_hat: Latents, windows: list[Window], stream: Bitstream) -> None:
    """Raise Corrupt unless strips that are not damaged are what they were made of."""
    first = 0
    for i, strip in enumerate(stream.strips):
        end = first + len(strip.windows)
        if i in stream.damaged:
            return  # where the others lie is not vouched for
        check_latents(y_hat, windows[first:end], [strip])
        first = end


def _tell(stream: Bitstream, lost: list[Window], num_chosen: int) -> None:
    what = "; ".join(stream.damage)
    if not lost:
        warn(f"{what}: no pixel is lost")
        return
    header = stream.header
    places = [_pixels(window, header.width, header.height) for window in lost[:NAMED]]
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    state = "coarse" if stream.layers else "grey"
    warn(f"{what}: {len(lost)} of {num_chosen} windows {state}, at {' '.join(places)}{more}")


def _pixels(window: Window, width: int, height: int) -> str:
    """As --region takes it."""
    x, y = 16 * window.left, 16 * window.top
    return f"{x},{y},{min(16 * window.width, width - x)},{min(16 * window.height, height - y)}"
