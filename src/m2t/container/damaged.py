"""What is left of a file that is damaged, for who would rather have some of a picture than none.

What a chunk's checksum no longer vouches for is kept as it stands there: the streams in it have
checks of their own (rans/), which say which windows are intact.
"""

from string import ascii_letters

from ..errors import FormatError
from .chunks import MAX_PAYLOAD, Chunk, pack_chunk, read_chunk
from .cursor import Cursor, pack_number
from .file import Bitstream, misplaced, parse_whole, take_chunk
from .header import LAYERS, read_header
from .layers import LAYER, Plan, parse_layer
from .strip import LAST_STRIP, STRIP, Strip, parse_strip

MOST_TOLD = 4
"""So many damaged chunks are told of, the first ones."""


def parse(data: bytes, *, upto: int | None = None, partial: bool = False) -> Bitstream:
    """The content of a file, every checksum of what is read verified. Raises FormatError.

    Args:
        upto: so many layers are enough: what follows them is not read.
        partial: where a file ends too early, take the layers that are whole, if there is one; where
            it is damaged otherwise, take what is left, and tell its `damage`. A lossless file is
            taken whole or not at all.
    """
    try:
        return parse_whole(data, upto=upto, partial=partial)
    except FormatError:
        found = _salvaged(data, upto) if partial else None
        if found is None:
            raise
        return found


def _salvaged(data: bytes, upto: int | None) -> Bitstream | None:
    """The content of a file, its `damage` told; None where there is none, or no window is found.

    Raises FormatError where the header is damaged, or what is not damaged contradicts itself.
    """
    cursor = Cursor(data)
    stream = Bitstream(read_header(cursor), [])
    if stream.header.lossless:
        return None
    layered, since = stream.header.version == LAYERS, len(data)
    while cursor.num_bytes_left and not _is_whole(stream):
        start = cursor.position
        try:
            chunk, damaged = read_chunk(cursor), False
        except FormatError as error:
            if len(stream.damage) < MOST_TOLD:
                stream.damage.append(str(error))
            cursor.position = start
            since = min(since, start)
            chunk, damaged = _as_it_stands(cursor, layered, since), True
        if chunk is None or not _add(stream, chunk, damaged):
            break
    if not stream.damage:
        return None
    if layered:
        _keep_sound_layers(stream, upto)
    return stream if stream.windows else None


def _is_whole(stream: Bitstream) -> bool:
    return stream.ended or (bool(stream.layers) and len(stream.layers) == len(stream.steps))


def _as_it_stands(cursor: Cursor, layered: bool, since: int) -> Chunk | None:
    """A chunk whose checksum is wrong, or that is cut, as far as it can be told; the cursor after.

    The last strip ends with the file. So it is found, wherever it begins after the first damage, at
    `since`, by a length that says so.
    """
    start = cursor.position
    try:
        kind = chr(cursor.take(1)[0])
        num_bytes = cursor.number(MAX_PAYLOAD)
        position = cursor.position
        cut = num_bytes + 4 > cursor.num_bytes_left
        payload = cursor.take(min(num_bytes, cursor.num_bytes_left))
        cursor.take(min(4, cursor.num_bytes_left))
        follows = chr(cursor.data[cursor.position]) if cursor.num_bytes_left else ""
    except FormatError:
        kind, cut, follows, position, payload = "", True, "", start, cursor.data[:0]
    if layered:
        good = (kind == LAYER and not cut) or kind.islower()
        return Chunk(kind, payload, position) if good and follows in (LAYER, "") else None
    if (not cut and follows and follows in ascii_letters) or (kind == LAST_STRIP and not cut):
        return Chunk(kind, payload, position)
    place = _last_strip(bytes(cursor.data), since)
    if place is not None:
        cursor.position = len(cursor.data)
        return Chunk(LAST_STRIP, cursor.data[place:-4], place)
    cursor.position = len(cursor.data)
    return Chunk(kind, payload, position) if kind in (STRIP, LAST_STRIP) else None


def _last_strip(data: bytes, start: int) -> int | None:
    """Where the payload begins of a last strip that begins at `start` or later."""
    for size in range(1, 6):  # of the length; the one at `start` may itself be damaged
        position = start + 1 + size
        length = len(data) - 4 - position
        if length >= 0 and len(pack_number(length)) == size:
            whole = pack_chunk(LAST_STRIP, data[position : position + length])
            if whole[-4:] == data[-4:]:
                return position
    place = data.find(LAST_STRIP.encode(), start)
    while place >= 0:
        for size in range(1, 6):
            length = len(data) - 4 - (place + 1 + size)
            if length >= 0 and data[place + 1 : place + 1 + size] == pack_number(length):
                return place + 1 + size
        place = data.find(LAST_STRIP.encode(), place + 1)
    return None


def _add(stream: Bitstream, chunk: Chunk, damaged: bool) -> bool:
    """Add a chunk to what is known; False where nothing that follows it can be of use."""
    if stream.header.version == LAYERS and (chunk.kind == LAYER or stream.layers):
        return _add_layer(stream, chunk, damaged)
    if chunk.kind in (STRIP, LAST_STRIP) and stream.header.version != LAYERS:
        if damaged:
            stream.damaged.append(len(stream.strips))
        left = stream.max_windows - len(stream.windows)
        parse = _strip_in_part if damaged else parse_strip
        stream.strips.append(parse(chunk, left))
        stream.ended = chunk.kind == LAST_STRIP
    elif stream.strips:
        raise misplaced(chunk)
    elif not damaged:  # metadata and alpha that are damaged are left out
        take_chunk(stream, chunk)
    return True


def _add_layer(stream: Bitstream, chunk: Chunk, damaged: bool) -> bool:
    layers = stream.layers
    plan = Plan(stream.steps, len(layers[0].parts), 0) if layers else None
    try:
        sizes = stream.header.steps, stream.max_windows
        layer, plan = parse_layer(chunk, len(layers), plan, *sizes)
    except FormatError:
        if not damaged:
            raise
        return False
    if damaged:
        stream.damaged.append(len(layers))
    if not layers:
        stream.steps, stream.num_bytes = plan.steps, chunk.position + len(chunk.payload) + 4
        stream.num_bytes += plan.num_bytes
    layers.append(layer)
    return True


def _keep_sound_layers(stream: Bitstream, upto: int | None) -> None:
    """Only the ends of whole streams tell whether they are intact."""
    if upto is not None:
        del stream.layers[upto:]
    if stream.damaged and len(stream.layers) < len(stream.steps):
        del stream.layers[stream.damaged[0] :]
        stream.damaged = []


def _strip_in_part(chunk: Chunk, max_windows: int) -> Strip:
    """A strip that may end too early or hold anything: what its lengths say, as far as it goes."""
    cursor = Cursor(chunk.payload, chunk.position)
    try:
        latents_crc = int.from_bytes(cursor.take(4), "little")
        lengths = [cursor.number(MAX_PAYLOAD) for _ in range(cursor.number(max_windows) - 1)]
    except FormatError:
        return Strip([], 0)
    windows = [bytes(cursor.take(min(n, cursor.num_bytes_left))) for n in lengths]
    return Strip([*windows, bytes(cursor.take(cursor.num_bytes_left))], latents_crc)
