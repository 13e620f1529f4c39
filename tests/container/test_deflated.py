"""Metadata that are deflated together, and chunks that only pretend to be that."""

import contextlib
import io
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2t.container import Bitstream, Header, Strip, arriving, parse, read_head
from m2t.container.chunks import pack_chunk
from m2t.container.cursor import pack_number
from m2t.container.metadata import MAX_INFLATED
from m2t.errors import Corrupt, FormatError, LimitExceeded

HEADER = Header(bytes(8), 1, 1, 50, 12, 22)
LAST = Strip([b""], 0).pack(last=True)
XMP = b"<x:xmpmeta>" + b" " * 2000 + b"</x:xmpmeta>"
SHORT = {"icc": b"profile", "exif": b"", "dpi": b"300 300", "comment": b"hello"}
LONG = {**SHORT, "xmp": XMP, "text": b"Title\0A lake\0"}


def packed(metadata: dict[str, bytes]) -> bytes:
    return Bitstream(HEADER, [Strip([b""], 0)], metadata).pack()


def with_chunk(payload: bytes, *others: bytes) -> bytes:
    return HEADER.pack() + b"".join([pack_chunk("m", payload), *others]) + LAST


def deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, wbits=-15)
    return deflater.compress(data) + deflater.flush()


def item(kind: bytes, payload: bytes) -> bytes:
    return kind + pack_number(len(payload)) + payload


def test_what_does_not_shrink_is_a_chunk_each():
    chunks = [("i", b"profile"), ("e", b""), ("d", b"300 300"), ("c", b"hello")]
    plain = HEADER.pack() + b"".join(pack_chunk(kind, payload) for kind, payload in chunks) + LAST
    assert packed(SHORT) == plain
    assert packed({}) == HEADER.pack() + LAST


def test_what_shrinks_is_deflated_together():
    data = packed(LONG)
    assert len(data) < len(packed(SHORT)) + 100
    assert parse(data).metadata == LONG
    assert read_head(io.BytesIO(data)).metadata == LONG
    assert list(parse(data).metadata) == list(LONG)
    assert packed(LONG) == data
    assert parse(parse(data).pack()).metadata == LONG


def test_chunks_of_later_versions_stay_as_they_are():
    data = packed({"q": XMP, **LONG})
    assert pack_chunk("q", XMP) in data
    assert parse(data).metadata == {"q": XMP, **LONG}
    inside = with_chunk(deflate(item(b"q", b"later") + item(b"x", XMP)))
    assert parse(inside).metadata == {"q": b"later", "xmp": XMP}


def test_plain_chunks_of_what_could_shrink_are_read_as_before():
    assert parse(HEADER.pack() + pack_chunk("x", XMP) + LAST).metadata == {"xmp": XMP}


def test_files_may_arrive_byte_by_byte():
    data = packed(LONG)
    *_, last = arriving(data[i : i + 1] for i in range(len(data)))
    assert last.metadata == LONG


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from([*LONG, "iptc", "z"]), st.binary(max_size=400)))
def test_any_metadata_come_back(metadata):
    repeated = {name: payload * 3 for name, payload in metadata.items()}
    for some in (metadata, repeated):
        plain = sum(map(len, (pack_chunk("i", payload) for payload in some.values())))
        assert parse(packed(some)).metadata == some
        assert len(packed(some)) <= len(HEADER.pack() + LAST) + plain


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not deflated",
        deflate(XMP),
        deflate(item(b"x", XMP))[:-1],
        deflate(item(b"x", XMP)) + b"\0",
        deflate(item(b"x", XMP)[:-1]),
        deflate(b"x"),
        deflate(b"x" + b"\xff" * 20),
        deflate(item(b"A", b"opacity")),
        deflate(item(b"L", b"tokens")),
        deflate(item(b"m", deflate(item(b"x", XMP)))),
        deflate(item(b"x", b"1") + item(b"x", b"2")),
        zlib.compress(item(b"x", XMP)),
    ],
)
def test_what_holds_no_metadata_is_refused(payload):
    data = with_chunk(payload)
    for read in (parse, lambda data: read_head(io.BytesIO(data))):
        with pytest.raises(Corrupt):
            read(data)


def test_no_metadata_are_there_twice():
    whole = deflate(item(b"x", XMP))
    for other in (pack_chunk("x", b""), pack_chunk("m", whole), pack_chunk("m", deflate(b""))):
        with pytest.raises(Corrupt, match="misplaced"):
            parse(with_chunk(whole, other))


def test_a_short_chunk_cannot_fill_the_memory():
    bomb = deflate(item(b"x", bytes(MAX_INFLATED)))
    assert len(bomb) < 20_000
    tracemalloc.start()
    with pytest.raises(LimitExceeded, match="inflates to more than 16,777,216 bytes"):
        parse(with_chunk(bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MAX_INFLATED


def test_metadata_beyond_the_limit_are_not_deflated():
    most = MAX_INFLATED - len(item(b"x", b"")) - 4
    for num_bytes, shrinks in ((most + 1, True), (most + 2, False)):
        metadata = {"xmp": bytes(num_bytes)}
        data = packed(metadata)
        assert parse(data).metadata == metadata
        assert (len(data) < num_bytes) == shrinks


def test_no_damage_of_deflated_metadata_passes():
    payload = deflate(item(b"x", XMP) + item(b"i", b"profile"))
    for i in range(8 * len(payload)):
        damaged = bytearray(payload)
        damaged[i // 8] ^= 1 << i % 8
        with contextlib.suppress(FormatError):  # with a checksum that is right
            parse(with_chunk(bytes(damaged)))
    data = with_chunk(payload)
    for i in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[i // 8] ^= 1 << i % 8
        with pytest.raises(FormatError):
            parse(bytes(damaged))
