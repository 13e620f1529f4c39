"""Pictures that get sharper while the bytes of a file arrive."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO

from PIL import Image

from .codec import Codec
from .container import arriving

PIECE = 4096
"""Bytes that are asked of a file object at a time."""


def decompress_steps(
    source: Iterable[bytes] | IO[bytes], codec: Codec | None = None, *, samples: int = 0
) -> Iterator[tuple[int, Image.Image]]:
    """See m2t.decompress_steps()."""
    read = getattr(source, "read", None)
    pieces = source if read is None else iter(partial(read, PIECE), b"")
    for stream in arriving(pieces):
        codec = codec or Codec.for_model(stream.header.model_id)
        yield max(1, len(stream.layers)), codec.picture(stream, samples=samples)
