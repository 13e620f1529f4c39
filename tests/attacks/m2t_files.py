"""Hostile .m2t files, each built from a sound one: a name and bytes."""

import io
import random
from binascii import crc_hqx
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from PIL import Image, PngImagePlugin

from m2t.codec import Codec
from m2t.container import Strip, parse
from m2t.container import chunks as container
from m2t.container.chunks import pack_chunk
from m2t.container.cursor import Cursor, pack_number
from m2t.container.header import read_header
from m2t.container.metadata import inflated
from research.attacks.layouts import in_strips

from ..conftest import TINY, photograph
from ..image_files import HEAD_OF_A_PROFILE

Files = Iterator[tuple[str, bytes]]
Chunk = tuple[str, bytes]
"""Type and payload."""
SIZES = (0, 1, 2**31, 2**32 - 1, 2**64)
"""What a length or a count may claim."""
FIELDS = ("width", "height", "quality", "steps", "alpha", "order", "seed", "flags")
"""Of the header: those that are numbers, in order."""
VERSION, MODEL_ID, NUMBERS = 4, 5, 13
"""Where they stand in a file, in bytes."""


@cache
def codec() -> Codec:
    """Of the tiny model."""
    return Codec.load(TINY, num_threads=1)


@cache
def sound(kind: str) -> bytes:
    """A file of one strip, of several ("strips"), of layers, with all around it, or lossless."""
    image = photograph(110, 40, seed=1)  # 7x3 tokens: two windows
    if kind == "lossless":
        return codec().compress(image, 40, lossless="always")
    if kind == "layers":
        return codec().compress(image, 40, layers=3, lossless="never")
    if kind == "full":
        image = image.resize((40, 30)).convert("RGBA")
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        exif = Image.Exif()
        exif[271] = "maker"
        image.info = {"icc_profile": HEAD_OF_A_PROFILE, "exif": exif.tobytes(), "xmp": b"<x/>"}
        image.info |= {"dpi": (300, 300), "comment": b"words"}
        return codec().compress(image, 40, lossless="never")
    data = codec().compress(image, 40, lossless="never")
    return in_strips(codec(), data) if kind == "strips" else data


KINDS = ("one", "strips", "layers", "full", "lossless")


def cut(data: bytes) -> tuple[bytes, list[Chunk]]:
    """The header of a file, and its chunks."""
    cursor = Cursor(data)
    read_header(cursor)
    head, chunks = data[: cursor.position], []
    while cursor.num_bytes_left:
        kind = chr(cursor.take(1)[0])
        chunks.append((kind, bytes(cursor.take(cursor.number(2**31)))))
        cursor.take(4)
    return head, chunks


def put(head: bytes, chunks: Iterable[Chunk]) -> bytes:
    """A file, with right checksums."""
    return head + b"".join(pack_chunk(*chunk) for chunk in chunks)


def with_crc(head: bytes) -> bytes:
    """A header whose checksum is right, whatever stands in it."""
    return head[:-2] + crc_hqx(head[:-2], 0xFFFF).to_bytes(2, "little")


def numbers_of(head: bytes) -> list[int]:
    """The values of FIELDS."""
    cursor = Cursor(head[NUMBERS:])
    return [cursor.number(2**32) for _ in FIELDS]


def with_field(data: bytes, name: str, value: int) -> bytes:
    """A file with another number in its header, whose checksum is right."""
    head, chunks = cut(data)
    numbers = numbers_of(head)
    numbers[FIELDS.index(name)] = value
    head = head[:NUMBERS] + b"".join(map(pack_number, numbers)) + b"\0\0"
    return put(with_crc(head), chunks)


def header_bits(data: bytes, *, right: bool) -> Files:
    """Every bit of the header flipped, its checksum made right or not."""
    head, chunks = cut(data)
    rest = put(b"", chunks)
    for i in range(8 * (len(head) - 2 * right)):
        other = bytearray(head)
        other[i // 8] ^= 1 << i % 8
        yield f"bit {i}", (with_crc(bytes(other)) if right else bytes(other)) + rest


def header_sizes(data: bytes) -> Files:
    """Every number of the header at its ends."""
    head, _ = cut(data)
    numbers = numbers_of(head)
    for name, number in zip(FIELDS, numbers, strict=True):
        for value in {*SIZES, 127, 128, 255, 65535, 65536} - {number}:
            yield f"{name} {value}", with_field(data, name, value)


def truncations(data: bytes) -> Files:
    """Every prefix."""
    for num_bytes in range(len(data)):
        yield f"{num_bytes} bytes", data[:num_bytes]


def arrangements(data: bytes) -> Files:
    """Chunks exchanged, doubled, dropped, unknown; lengths that lie."""
    head, chunks = cut(data)
    some = [
        ("Q", b""),
        ("S", b""),
        ("L", b""),
        ("P", b""),
        ("W", b""),
        ("A", b""),
        ("q", b"unknown"),
    ]
    for i, (kind, payload) in enumerate(chunks):
        before, after = chunks[:i], chunks[i + 1 :]
        yield f"{i} dropped", put(head, before + after)
        yield f"{i} doubled", put(head, [*before, chunks[i], *chunks[i:]])
        if after:
            yield f"{i} exchanged", put(head, [*before, after[0], chunks[i], *after[1:]])
            yield f"{i} last", put(head, [*before, *after, chunks[i]])
        for other in some:
            yield f"{other[0]} before {i}", put(head, [*before, other, *chunks[i:]])
            yield f"{other[0]} after {i}", put(head, [*before, chunks[i], other, *after])
        for other in "QqSLPWA\0\xff":
            changed = bytes([ord(other)]) + pack_chunk(kind, payload)[1:]
            yield f"{i} as {other!r}", put(head, before) + changed + put(b"", after)
        for size in SIZES:
            lying = kind.encode() + pack_number(size) + payload + b"\0\0\0\0"
            yield f"{i} of {size}", put(head, before) + lying + put(b"", after)
        for end in {0, 1, 4, 5, len(payload) // 2, len(payload) - 1}:
            yield f"{i} cut at {end}", put(head, [*before, (kind, payload[:end]), *after])
        yield f"{i} longer", put(head, [*before, (kind, payload + b"\0"), *after])


def payload_numbers(data: bytes) -> Files:
    """Every byte of what stands before the streams of a strip or layer, at its ends."""
    head, chunks = cut(data)
    for i, (kind, payload) in enumerate(chunks):
        if kind in "SLP":
            for j in range(min(24, len(payload))):
                for value in {b"\0", b"\1", b"\x7f", b"\xff\x7f", b"\xff" * 9} - {
                    payload[j : j + 1]
                }:
                    other = kind, payload[:j] + value + payload[j + 1 :]
                    yield f"{i}:{j} {value!r}", put(head, [*chunks[:i], other, *chunks[i + 1 :]])


def _garbage(stream: bytes, another: bytes, rng: random.Random) -> dict[str, bytes]:
    at = rng.randrange(max(1, len(stream)))
    return {
        "zeros": bytes(len(stream)),
        "ones": b"\xff" * len(stream),
        "noise": rng.randbytes(len(stream)),
        "nothing": b"",
        "shorter": stream[:-4],
        "a byte shorter": stream[:-1],
        "longer": stream + b"\0\0\0\0",
        "a megabyte": stream + rng.randbytes(1 << 20),
        "another's": another,
        "a bit": stream[:at] + bytes([stream[at] ^ 1]) + stream[at + 1 :] if stream else b"\0",
        "reversed": stream[::-1],
    }


def payloads(data: bytes) -> Files:
    """Garbage in place of each stream, or part of one, behind right checksums of chunks."""
    rng, stream = random.Random(0), parse(data)
    for holder in (*stream.strips, *stream.layers):
        streams = holder.windows if isinstance(holder, Strip) else holder.parts
        for i, part in enumerate(list(streams)):
            for name, other in _garbage(part, stream.windows[i - 1], rng).items():
                if other != part:
                    streams[i] = other
                    yield f"{i} {name}", stream.pack()
            streams[i] = part
        crc = holder.latents_crc
        object.__setattr__(holder, "latents_crc", crc ^ 1)
        yield "checksum", stream.pack()
        object.__setattr__(holder, "latents_crc", crc)


def _png(mode: str, size: tuple[int, int], **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "PNG", **options)
    return buffer.getvalue()


def alphas(data: bytes) -> Files:
    """Opacity that is none. `data` has some, of 40x30 pixels."""
    head, chunks = cut(data)
    [sound_one] = [payload for kind, payload in chunks if kind == "A"]
    bomb = PngImagePlugin.PngInfo()
    bomb.add_text("x", "x" * 5_000_000, zip=True)
    giant = bytearray(_png("L", (40, 30)))
    giant[16:24] = b"\0\0\xff\xff\0\0\xff\xff"
    for name, payload in {
        "nothing": b"",
        "noise": b"noise" * 99,
        "another size": _png("L", (41, 30)),
        "colours": _png("RGB", (40, 30)),
        "bits": _png("1", (40, 30)),
        "claims to be giant": bytes(giant),
        "giant": _png("L", (6_000, 6_000)),
        "text that is a bomb": _png("L", (40, 30), pnginfo=bomb),
        "cut": sound_one[: len(sound_one) // 2],
        "a GIF": b"GIF89a" + bytes(99),
        "a zip": b"PK\3\4" + bytes(99),
    }.items():
        others = [(kind, payload if kind == "A" else old) for kind, old in chunks]
        yield f"alpha: {name}", put(head, others)


def plain(data: bytes) -> bytes:
    """The same file, with a chunk for each kind of metadata."""
    head, chunks = cut(data)
    deflated = [container.Chunk(kind, memoryview(data), 0) for kind, data in chunks if kind == "m"]
    inner = [(one.kind, bytes(one.payload)) for chunk in deflated for one in inflated(chunk)]
    return put(head, [*inner, *(chunk for chunk in chunks if chunk[0] != "m")])


def metadata(data: bytes) -> Files:
    """Metadata that break what is known of their kind. They are kept as they are, or not shown."""
    head, chunks = cut(plain(data))
    rng = random.Random(1)
    tiff = b"II*\0\x08\0\0\0"
    contents = {
        "e": [
            b"II*\0", b"MM\0*\xff\xff\xff\xff", tiff + b"\xff\xff" + b"\0" * 30, b"Exif\0\0",
            tiff + b"\1\0\x12\1\3\0\1\0\0\0\xff\0\0\0\x08\0\0\0",  # an IFD that is its own next one
            tiff + b"\1\0\x12\1\2\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0",
        ],
        "i": [b"\0" * 128, b"\xff\xff\xff\xff" + b"acsp" * 40, b"PK\3\4" + bytes(99)],
        "x": [b"<!DOCTYPE x [<!ENTITY a '&a;'>]>&a;", b"\xff\xfe\xd8\x00", b"\0"],
        "d": [b"nan nan", b"1e999 1", b"1", b"1 2 3", b"-1 -1", b"0x10 1", b"9" * 5000 + b" 1"],
        "c": [b"\0\xff" * 50_000, "\ud7ff\u202e".encode()],
        "p": [b"8BIM", b"\x1c\2\x78\xff\xff" + bytes(70_000)],
        "t": [b"\0", b"a", b"\0\0\0", "ключ\0значение\0".encode(), b"k" * 200 + b"\0v\0"],
        "z": [b"future"],
    }  # fmt: skip
    for kind, payloads_ in contents.items():
        rest = [chunk for chunk in chunks if chunk[0] != kind]
        for i, payload in enumerate([b"", rng.randbytes(3000), *payloads_]):
            yield f"metadata {kind}: {i}", put(head, [(kind, payload), *rest])


def everything(data: bytes) -> Files:
    """All of the above that suit any file."""
    yield from header_bits(data, right=False)
    yield from truncations(data)
    yield from arrangements(data)
    yield from payload_numbers(data)
    yield from payloads(data)


def noise(count: int) -> Files:
    """No files at all."""
    rng = np.random.default_rng(0)
    head, _ = cut(sound("one"))
    for i in range(count):
        some = rng.bytes(int(rng.integers(1, 300)))
        yield f"noise {i}", some
        yield f"noise {i} behind a header", head + some
