"""What fuzzers call: the layers in Python, each behind a door that takes any bytes.

A door returns, or raises what is no error of ours.
"""

import io
import tempfile
from binascii import crc_hqx
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

import m2t.pillow
from m2t.codec import Codec
from m2t.container import arriving, parse, parse_header
from m2t.container.chunks import pack_chunk
from m2t.container.cursor import Cursor
from m2t.container.header import LOSSLESS
from m2t.errors import FormatError, ModelError
from m2t.image.metadata import attach, save_options
from m2t.weights import read_weights

from .headers import divided, laid_out, united

VERSION, NUMBERS = 4, 13
"""Where they stand in a file, in bytes; a file that is lossless has the numbers at once."""
MOST_PIXELS = 1 << 16
Target = Callable[[bytes], None]
READINGS: list[dict[str, Any]] = [{}, {"partial": True}, {"upto": 1}]
FORMATS = ("PNG", "JPEG", "WEBP")
NUM_READINGS = len(READINGS) + 1  # or as bytes arrive
NUM_WAYS = 2 * NUM_READINGS * len(FORMATS)
"""In which the container is read: checksums as they are or made right, a reading, a format."""


def lossless(data: bytes) -> bool:
    """Whether it says that it is of that version."""
    return data[VERSION : VERSION + 1] == bytes([LOSSLESS])


def repaired(data: bytes) -> bytes:
    """A file with right checksums, as far as it is one: so that more than these is tried."""
    cursor = Cursor(data)
    try:
        cursor.take(VERSION + 1 if lossless(data) else NUMBERS)
        for _ in range(4 if lossless(data) else 8):
            cursor.number(0xFFFF_FFFF)
        head = data[: cursor.position]
        result = head + crc_hqx(head, 0xFFFF).to_bytes(2, "little")
        cursor.take(2)
        while cursor.num_bytes_left:
            kind = chr(cursor.take(1)[0])
            payload = bytes(cursor.take(min(cursor.number(1 << 31), cursor.num_bytes_left)))
            if not (kind.isascii() and kind.isalpha()):
                return result + kind.encode() + payload
            result += pack_chunk(kind, payload)
            cursor.take(min(4, cursor.num_bytes_left))
    except FormatError:
        return data
    return result


def parsed(data: bytes) -> None:
    """The container, and metadata on their way to another format; in what way, byte 0 says."""
    way, some = (data or b"\0")[0], data[1:]
    some = repaired(some) if way & 1 else some
    reading = way // 2 % NUM_READINGS
    name = FORMATS[way // (2 * NUM_READINGS) % len(FORMATS)]
    try:
        if reading == len(READINGS):
            list(arriving([some[:40], some[40:]]))
            return
        stream = parse(some, **READINGS[reading])
    except FormatError:
        return
    image = Image.new("RGB", (1, 1))
    attach(image, stream.metadata)
    image.save(io.BytesIO(), name, **save_options(image, name))


def decoder(weights: Path) -> Target:
    """Whole files, by the model that they should name."""
    codec = Codec.load(weights, num_threads=1)

    def decoded(data: bytes) -> None:
        named = data if lossless(data) else data[: VERSION + 1] + codec.identity + data[NUMBERS:]
        some = repaired(named)
        for partial in (False, True):
            try:
                header = parse_header(some)
                if header.width * header.height <= MOST_PIXELS:
                    codec.decompress(some, partial=partial)
            except FormatError:
                continue

    return decoded


def weights_read(weights: Path) -> Target:
    """Any header of weights, before sound tensors: as it is, and with tensors where it says."""
    _, tensors = divided(weights.read_bytes())
    picture = Image.linear_gradient("L").resize((17, 9)).convert("RGB")

    def tried(data: bytes) -> None:
        for file in (united(data, tensors), laid_out(data, tensors)):
            if file is None:
                continue
            with tempfile.NamedTemporaryFile(suffix=".safetensors") as place:
                place.write(file)
                place.flush()
                try:
                    codec = Codec.of(read_weights(place.name), num_threads=1)
                except ModelError:
                    continue
                codec.decompress(codec.compress(picture, 50))

    return tried


def opened(data: bytes) -> None:
    """Pillow's plugin: the head of a file."""
    try:
        with Image.open(io.BytesIO(repaired(data)), formats=[m2t.pillow.FORMAT]) as image:
            image.verify()
    except (OSError, Image.DecompressionBombError):  # as of all formats
        return


def doors(weights: Path) -> dict[str, Target]:
    """All of them, by name; `weights` are those of the files."""
    m2t.pillow.register()
    return {
        "parse": parsed,
        "decode": decoder(weights),
        "weights": weights_read(weights),
        "pillow": opened,
    }
