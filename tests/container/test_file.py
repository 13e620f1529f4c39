"""The file format: exact bytes, and a clear error for everything that is not one."""

import contextlib
import dataclasses
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2t.container import Bitstream, Header, Order, Strip, parse, parse_header
from m2t.container.chunks import pack_chunk
from m2t.container.cursor import Cursor, pack_number
from m2t.errors import BadMagic, Corrupt, FormatError, LimitExceeded, Truncated, UnsupportedVersion

HEADER = Header(bytes(range(8)), width=768, height=512, quality=50, steps=12, alpha=22)
STRIPS = [Strip([b"first", b"second"], 0x01020304), Strip([b"third"], 0xFFFFFFFF)]
FULL = Bitstream(
    dataclasses.replace(HEADER, order=Order.RANDOM, seed=7, flags=1),
    STRIPS,
    {"icc": b"profile", "exif": b"", "xmp": b"<x/>", "q": b"from the future"},
    alpha=b"\x89PNG",
)

quick = settings(deadline=None, max_examples=50)
numbers = st.integers(0, 0xFFFFFFFF)
headers = st.builds(
    Header,
    st.binary(min_size=8, max_size=8),
    width=st.integers(1, 2048),
    height=st.integers(1, 65535),
    quality=st.integers(1, 100),
    steps=st.integers(1, 65535),
    alpha=st.integers(1, 255),
    order=st.sampled_from(Order),
    seed=st.integers(0, 255),
    flags=st.integers(0, 3),
)


@quick
@given(headers)
def test_header_round_trip(header):
    data = header.pack()
    assert parse_header(data + b"more") == header
    assert len(data) <= 64


@quick
@given(
    st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(numbers, min_size=3, max_size=3),
    st.dictionaries(st.sampled_from(["icc", "exif", "xmp", "z"]), st.binary(max_size=99)),
    st.none() | st.binary(max_size=99),
)
def test_file_round_trip(windows, crcs, metadata, alpha):
    strips = [Strip(part, crc) for part, crc in zip(windows, crcs, strict=False)]
    bitstream = Bitstream(HEADER, strips, metadata, alpha)
    assert parse(bitstream.pack()) == bitstream
    assert bitstream.windows == [stream for part in windows for stream in part]


GOLDEN = (
    "896d327401" "0001020304050607" "8006" "8004" "32" "0c" "16" "01" "07" "01" "2830"
    "69" "07" "70726f66696c65" "395f3700"
    "65" "00" "1d8d5359"
    "78" "04" "3c782f3e" "f8d35190"
    "71" "0f" "66726f6d2074686520667574757265" "2299b6e0"
    "41" "04" "89504e47" "13bfe9fa"
    "53" "11" "04030201" "02" "05" "66697273747365636f6e64" "8f39b007"
    "4c" "0a" "ffffffff" "01" "7468697264" "cff72a99"
)  # fmt: skip


def test_golden_bytes():
    """Files already written look like this; a change here is a new format version."""
    assert FULL.pack().hex() == GOLDEN
    assert parse(bytes.fromhex(GOLDEN)) == FULL


def test_overhead_is_below_48_bytes():
    windows = [bytes(20_000)] * 4
    assert len(Bitstream(HEADER, [Strip(windows, 2**32 - 1)]).pack()) - 80_000 == 47


def test_strips_can_be_written_one_by_one():
    parts = [FULL.pack_head(), STRIPS[0].pack(last=False), STRIPS[1].pack(last=True)]
    assert b"".join(parts) == FULL.pack()


def test_truncation_is_noticed_and_located():
    data = FULL.pack()
    for num_bytes in range(len(data)):
        with pytest.raises(Truncated, match=f"^truncated at byte {num_bytes}$"):
            parse(data[:num_bytes])


def test_every_flipped_bit_is_noticed():
    data = FULL.pack()
    for i in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[i // 8] ^= 1 << i % 8
        with pytest.raises(FormatError):
            parse(bytes(damaged))


def test_every_changed_byte_of_the_header_is_noticed():
    data = HEADER.pack()
    for i in range(len(data)):
        for value in set(range(256)) - {data[i]}:
            with pytest.raises(FormatError):
                parse_header(data[:i] + bytes([value]) + data[i + 1 :])


def test_foreign_files_and_later_versions():
    data = FULL.pack()
    for other in [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"x", bytes(99)]:
        with pytest.raises(BadMagic):
            parse(other)
    with pytest.raises(UnsupportedVersion):
        parse(data[:4] + b"\x04" + data[5:])
    with pytest.raises(Corrupt):
        parse(data[:4] + b"\x00" + data[5:])
    with pytest.raises(Corrupt):
        parse(data + b"\x00")


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("model_id", b"short", Corrupt),
        ("width", 0, Corrupt),
        ("width", 65536, LimitExceeded),
        ("height", 2**31, LimitExceeded),
        ("quality", 0, Corrupt),
        ("quality", 101, Corrupt),
        ("order", 4, Corrupt),
        ("seed", 256, Corrupt),
        ("steps", 0, Corrupt),
        ("steps", 65536, Corrupt),
        ("alpha", 0, Corrupt),
        ("flags", 4, Corrupt),
    ],
)
def test_fields_out_of_range_are_refused(field, value, error):
    with pytest.raises(error, match=field):
        dataclasses.replace(HEADER, **{field: value})
    if isinstance(value, int):  # and in a file, where a wrong field has the right checksum
        wrong = dataclasses.replace(HEADER)
        object.__setattr__(wrong, field, value)
        with pytest.raises(error, match=field):
            parse_header(wrong.pack())


def test_too_many_pixels_are_refused():
    dataclasses.replace(HEADER, width=1 << 15, height=1 << 15)
    with pytest.raises(LimitExceeded, match="16385x65535 pixels are more than"):
        dataclasses.replace(HEADER, width=16385, height=65535)


def with_chunks(*chunks):
    return HEADER.pack() + b"".join(chunks)


LAST = STRIPS[1].pack(last=True)


def test_unknown_chunks():
    bitstream = parse(with_chunks(pack_chunk("q", b"kept"), LAST))
    assert bitstream.metadata == {"q": b"kept"}
    assert pack_chunk("q", b"kept") in bitstream.pack()
    with pytest.raises(UnsupportedVersion, match="'Q'"):
        parse(with_chunks(pack_chunk("Q", b""), LAST))


@pytest.mark.parametrize(
    "chunks",
    [
        [pack_chunk("i", b""), pack_chunk("i", b""), LAST],
        [pack_chunk("A", b""), pack_chunk("A", b""), LAST],
        [STRIPS[0].pack(last=False), pack_chunk("i", b""), LAST],
        [LAST, LAST],
        [pack_chunk("L", b"")],
        [pack_chunk("L", b"\0\0\0\0\0")],
        [pack_chunk("L", b"\0\0\0\0\x02\x01")],
        [pack_chunk("L", b"\0\0\0\0\x03\x01\x01")],
        [pack_chunk("L", b"\0\0\0\0\x7fabc")],
        [b"\0" + LAST[1:]],
    ],
)
def test_contradictions_are_refused(chunks):
    with pytest.raises(FormatError):
        parse(with_chunks(*chunks))


def test_more_windows_than_tokens_are_refused():
    tiny = dataclasses.replace(HEADER, width=17, height=16)
    assert len(parse(Bitstream(tiny, [Strip([b"a"] * 2, 0)]).pack()).windows) == 2
    with pytest.raises(LimitExceeded):
        parse(Bitstream(tiny, [Strip([b"a"] * 3, 0)]).pack())
    with pytest.raises(LimitExceeded):
        parse(Bitstream(tiny, [Strip([b"a"], 0)] * 3).pack())


HUGE = [pack_number(2**31 - 1), pack_number(2**64), b"\xff" * 100_000, b"\x80" * 100_000]


@pytest.mark.parametrize("number", HUGE, ids=["2^31", "2^64", "endless", "zeros"])
def test_hostile_sizes_cost_neither_time_nor_memory(number):
    strip = b"\0\0\0\0" + number
    files = [
        HEADER.pack()[:13] + number,
        with_chunks(b"L" + number),
        with_chunks(b"q" + number),
        with_chunks(pack_chunk("L", strip)),
        with_chunks(pack_chunk("L", b"\0\0\0\0\x02" + number)),
    ]
    tracemalloc.start()
    start = time.process_time()
    for data in files:
        with pytest.raises(FormatError):
            parse(data)
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 1_000_000


@quick
@given(st.binary(max_size=100))
def test_any_bytes_are_refused(data):
    with pytest.raises(FormatError):
        parse(data)
    with pytest.raises(FormatError):
        parse(with_chunks(data))
    payload = b"L" + pack_number(len(data)) + data
    with contextlib.suppress(FormatError):
        parse(with_chunks(payload + zlib.crc32(payload).to_bytes(4, "little")))


@quick
@given(st.integers(0, 2**32 - 1))
def test_numbers(value):
    data = pack_number(value)
    assert Cursor(data).number(2**32 - 1) == value
    assert len(data) == max(1, -(-value.bit_length() // 7))
    with pytest.raises(Corrupt):
        Cursor(data[:-1] + bytes([data[-1] | 0x80, 0])).number(2**40)
    if value:
        with pytest.raises(LimitExceeded):
            Cursor(data).number(value - 1)
