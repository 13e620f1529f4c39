"""Fuzzes the layers in Python, led by what code each input reaches.

    python -m research.attacks.fuzz DOOR --weights tests/tiny.safetensors [LIBFUZZER'S OPTIONS]

Atheris (`pip install atheris`) changes inputs of a door: "parse" for the container, "decode" for
whole files, whose checksums are made right, "weights", or "pillow". Whatever is no error of ours
ends the run, as does what takes seconds. runs/fuzz.sh runs them all.
"""

import argparse
import io
import sys
import tempfile
import warnings
from binascii import crc_hqx
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris  # pyright: ignore - not among our tools

with atheris.instrument_imports(include=["m2t"]):  # pyright: ignore
    import m2t.pillow
    from m2t.codec import Codec
    from m2t.container import arriving, parse, parse_header
    from m2t.container.chunks import pack_chunk
    from m2t.container.cursor import Cursor
    from m2t.errors import FormatError, ModelError
    from m2t.image.metadata import attach, save_options
    from m2t.weights import read_weights

from PIL import Image

MOST_PIXELS = 1 << 16
Target = Callable[[bytes], None]
READINGS: list[dict[str, Any]] = [{}, {"partial": True}, {"upto": 1}]


def repaired(data: bytes) -> bytes:
    """A file with right checksums, as far as it is one: so that more than these is tried."""
    cursor = Cursor(data)
    try:
        cursor.take(13)
        for _ in range(8):
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
    """The container, as it is read in all ways, and metadata on their way to other formats."""
    for some in (data, repaired(data)):
        for options in READINGS:
            try:
                stream = parse(some, **options)
            except FormatError:
                continue
            image = Image.new("RGB", (1, 1))
            attach(image, stream.metadata)
            for name in ("PNG", "JPEG", "WEBP"):
                image.save(io.BytesIO(), name, **save_options(image, name))
        try:
            list(arriving([some[:40], some[40:]]))
        except FormatError:
            continue


def decoder(weights: Path) -> Target:
    """Whole files, by the model that they should name."""
    codec = Codec.load(weights, num_threads=1)

    def decoded(data: bytes) -> None:
        some = repaired(data[:5] + codec.identity + data[13:])
        for partial in (False, True):
            try:
                header = parse_header(some)
                if header.width * header.height <= MOST_PIXELS:
                    codec.decompress(some, partial=partial)
            except FormatError:
                continue

    return decoded


def weights_read(data: bytes) -> None:
    """Any header of weights, whose length is right; there are no tensors."""
    data = (len(data) - 8).to_bytes(8, "little") + data[8:] if len(data) > 8 else data
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(data)
        file.flush()
        try:
            Codec.of(read_weights(file.name), num_threads=1)
        except ModelError:
            return


def opened(data: bytes) -> None:
    """Pillow's plugin: the head of a file."""
    try:
        with Image.open(io.BytesIO(repaired(data))) as image:
            image.verify()
    except OSError:
        return


def main() -> None:
    """Run libFuzzer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("door", choices=["parse", "decode", "weights", "pillow"])
    parser.add_argument("--weights", type=Path, required=True, help="Of the files.")
    options, rest = parser.parse_known_args()
    warnings.simplefilter("ignore")
    m2t.pillow.register()
    doors = {"parse": parsed, "weights": weights_read, "pillow": opened}
    target = doors.get(options.door) or decoder(options.weights)
    atheris.Setup([sys.argv[0], *rest], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
