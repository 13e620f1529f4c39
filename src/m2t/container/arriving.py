"""A file whose bytes arrive piece by piece: what is in it, as soon as it is there."""

from collections.abc import Iterable, Iterator

from ..errors import Truncated
from .cursor import Cursor
from .file import Bitstream, parse_whole, read_head_chunk, read_layer
from .header import LAYERS, read_header


def arriving(pieces: Iterable[bytes]) -> Iterator[Bitstream]:
    """The content of a file: once for each layer, as it has arrived, with all layers up to it.

    It is one object, which grows. Pieces behind the last layer are not waited for. A file without
    layers is there once, when all pieces are. Raises FormatError, Truncated where they end early.
    """
    data, position, stream, done = b"", 0, None, False
    for piece in pieces:
        data += piece
        while not done:
            cursor = Cursor(data)
            cursor.position = position
            try:
                if stream is None:
                    stream = Bitstream(read_header(cursor), [])
                elif stream.header.version != LAYERS:
                    break
                elif not read_head_chunk(cursor, stream):
                    done = read_layer(cursor, stream)
            except Truncated:
                break
            position = cursor.position
            if stream.layers:
                yield stream
        if done:
            return
    if stream is not None and stream.header.version != LAYERS:
        yield parse_whole(data)
        return
    raise Truncated(f"truncated at byte {len(data)}")
