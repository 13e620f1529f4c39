"""Files in layers: exact bytes, and a clear error for every way in which layers do not fit."""

import dataclasses
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2t.container import Bitstream, Header, Layer, Strip, arriving, parse, read_head
from m2t.container.chunks import pack_chunk
from m2t.container.cursor import pack_number
from m2t.container.header import LAYERS
from m2t.container.layers import Plan, bundled, pack_layers
from m2t.errors import ConfigError, Corrupt, FormatError, LimitExceeded, Truncated

HEADER = Header(
    bytes(range(8)), version=LAYERS, width=768, height=512, quality=50, steps=12, alpha=22
)
PARTS = [Layer([b"first", b"second"], 0x01020304), Layer([b"", b"x" * 130], 2**32 - 1)]
PARTS += [Layer([b"abcd", b""], 7)]
STEPS = (2, 4, 6)
FULL = Bitstream(HEADER, [], {"icc": b"profile"}, b"\x89PNG", PARTS, STEPS)
HEAD = FULL.pack_head()
CHUNKS = pack_layers(PARTS, STEPS)

quick = settings(deadline=None, max_examples=50)
layers = st.builds(
    Layer,
    st.lists(st.binary(max_size=300), min_size=3, max_size=3),
    st.integers(0, 2**32 - 1),
)


@quick
@given(st.lists(layers, min_size=2, max_size=12), st.none() | st.binary(max_size=99))
def test_round_trip(found, alpha):
    steps = bundled(12, len(found))
    bitstream = Bitstream(HEADER, [], {"xmp": b"<x/>"}, alpha, found, steps)
    data = bitstream.pack()
    assert parse(data) == bitstream
    assert parse(data).num_bytes == len(data)
    assert parse(data).windows == [b"".join(its) for its in zip(*(x.parts for x in found))]  # noqa: B905


GOLDEN = (
    "896d327402" "0001020304050607" "8006" "8004" "32" "0c" "16" "00" "00" "00" "aefc"
    "69" "07" "70726f66696c65" "395f3700"
    "41" "04" "89504e47" "13bfe9fa"
    "50" "18" "00" "03" "020406" "02" "9f01" "04030201" "05" "66697273747365636f6e64" "f58a46e9"
    "50" "8801" "01" "ffffffff" "00" + "78" * 130 + "f65f9d24"
    "50" "0a" "02" "07000000" "04" "61626364" "decdd3fc"
)  # fmt: skip


def test_golden_bytes():
    """Files already written look like this; a change here is a new format version."""
    assert FULL.pack().hex() == GOLDEN
    assert parse(bytes.fromhex(GOLDEN)) == FULL


def test_the_steps_of_layers_ascend_and_are_all():
    for steps in range(1, 20):
        for num_layers in range(1, steps + 1):
            found = bundled(steps, num_layers)
            assert (len(found), sum(found)) == (num_layers, steps)
            assert max(found) - min(found) <= 1
    assert bundled(12, 4) == (3, 3, 3, 3)
    assert bundled(12, 5) == (2, 2, 3, 2, 3)
    for wrong in (0, -1, 13):
        with pytest.raises(ConfigError, match="layers must be in"):
            bundled(12, wrong)


def test_overhead_of_three_more_layers_is_below_64_bytes():
    one = Bitstream(dataclasses.replace(HEADER, version=1), [Strip([bytes(5000)] * 4, 0)])
    sizes = (300, 800, 1500, 2400)
    four = [Layer([bytes(size)] * 4, 0) for size in sizes]
    assert len(Bitstream(HEADER, [], {}, None, four, (3,) * 4).pack()) - len(one.pack()) < 64


def test_every_prefix_is_what_is_whole_of_it_or_refused():
    data = FULL.pack()
    ends = [len(HEAD) + sum(map(len, CHUNKS[:n])) for n in range(1, 4)]
    for num_bytes in range(len(data)):
        with pytest.raises(Truncated, match=f"^truncated at byte {num_bytes}$"):
            parse(data[:num_bytes])
        there = sum(end <= num_bytes for end in ends)
        if there:
            found = parse(data[:num_bytes], partial=True)
            assert found.layers == PARTS[:there]
            assert (found.steps, found.num_bytes) == (STEPS, len(data))
        else:
            with pytest.raises(Truncated):
                parse(data[:num_bytes], partial=True)


def test_upto_reads_no_further():
    data = FULL.pack()
    end = len(HEAD) + len(CHUNKS[0])
    for some in (data[:end], data[: end + 5], data[:end] + b"damage" * 9):
        assert parse(some, upto=1).layers == PARTS[:1]
    assert parse(data, upto=3) == parse(data, upto=99) == FULL
    with pytest.raises(Truncated):
        parse(data[:-1], upto=3)
    with pytest.raises(ConfigError, match="upto must be at least 1"):
        parse(data, upto=0)


@pytest.mark.parametrize("partial", [False, True])
def test_every_flipped_bit_is_noticed(partial):
    data = FULL.pack()
    for i in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[i // 8] ^= 1 << i % 8
        try:
            assert parse(bytes(damaged), partial=partial).damage
        except FormatError:
            continue
        assert partial


def first(*numbers, rest=b"\0\0\0\0\x01ab"):
    return HEAD + pack_chunk("P", b"".join(map(pack_number, numbers)) + rest)


WRONG = {
    "out of order": HEAD + CHUNKS[0] + CHUNKS[2] + CHUNKS[1],
    "exchanged": HEAD + CHUNKS[1] + CHUNKS[0] + CHUNKS[2],
    "first missing": HEAD + CHUNKS[1] + CHUNKS[2],
    "middle missing": HEAD + CHUNKS[0] + CHUNKS[2],
    "doubled": HEAD + CHUNKS[0] + CHUNKS[1] + CHUNKS[1],
    "first doubled": HEAD + CHUNKS[0] * 2 + CHUNKS[2],
    "one more": FULL.pack() + CHUNKS[2],
    "byte more": FULL.pack() + b"\0",
    "other chunk between": HEAD + CHUNKS[0] + pack_chunk("x", b"") + CHUNKS[1] + CHUNKS[2],
    "strip between": HEAD + CHUNKS[0] + Strip([b"a"], 0).pack(last=True),
    "strips": HEAD + Strip([b"a"], 0).pack(last=True),
    "one layer": first(0, 1, 12, 2, 0),
    "no layer": first(0, 0, 2, 0),
    "too many layers": first(0, 13, *[1] * 12, 2, 0),
    "no step": first(0, 2, 0, 12, 2, 0),
    "too few steps": first(0, 2, 5, 6, 2, 0),
    "too many steps": first(0, 2, 6, 7, 2, 0),
    "no window": first(0, 2, 6, 6, 0, 0),
    "too many windows": first(0, 2, 6, 6, 32 * 48 + 1, 0),
    "more windows than bytes": first(0, 2, 6, 6, 9, 0),
    "too short for its windows": first(0, 2, 6, 6, 2, 0, rest=b"\0\0\0\0"),
    "too short for its checksum": first(0, 2, 6, 6, 2, 0, rest=b"\0\0"),
    "too short for its plan": HEAD + pack_chunk("P", b"\0\x03\x04"),
    "empty": HEAD + pack_chunk("P", b""),
    "length beyond the chunk": first(0, 2, 6, 6, 2, 0, rest=b"\0\0\0\0\x09ab"),
    "number without end": first(0, 2, 6, 6, 2, 0, rest=b"\0\0\0\0\xff"),
    "wrong sum of bytes": HEAD
    + PARTS[0].pack(0, Plan(STEPS, 2, sum(map(len, CHUNKS[1:])) + 1))
    + CHUNKS[1]
    + CHUNKS[2],
}


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name, partial):
    with pytest.raises(FormatError):
        parse(WRONG[name], partial=partial)
    with pytest.raises(FormatError):
        list(arriving([WRONG[name]]))


def test_the_same_parts_are_sound_in_order():
    """So that the cases above fail for their own reason."""
    assert parse(HEAD + b"".join(CHUNKS)) == FULL
    assert parse(first(0, 2, 6, 6, 2, 9), partial=True).layers == [Layer([b"a", b"b"], 0)]


def test_layers_in_a_file_of_version_1_are_refused():
    old = dataclasses.replace(FULL, header=dataclasses.replace(HEADER, version=1))
    with pytest.raises(FormatError, match="chunk 'P'"):
        parse(old.pack_head() + b"".join(CHUNKS))


def test_truncated_files_without_layers_keep_their_first_windows():
    one = Bitstream(dataclasses.replace(HEADER, version=1), [Strip([b"first", b"second"], 0)])
    data = one.pack()
    found = parse(data[:-9], partial=True)
    assert found.windows == [b"first", b"s"]
    assert found.damage == [f"truncated at byte {len(data) - 9}"]


@pytest.mark.parametrize("number", [2**31, 2**64], ids=str)
def test_hostile_sizes_cost_neither_time_nor_memory(number):
    files = [
        first(number),
        first(0, number),
        first(0, 2, number),
        first(0, 2, 6, 6, number),
        first(0, 2, 6, 6, 2, 2**64),
        first(0, 2, 6, 6, 2, 0, rest=b"\0\0\0\0" + pack_number(number)),
    ]
    tracemalloc.start()
    start = time.process_time()
    for data in files:
        with pytest.raises((Corrupt, LimitExceeded)):
            parse(data, partial=True)
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 1_000_000


@quick
@given(st.lists(st.integers(1, 40)))
def test_pieces_of_any_size_arrive_layer_by_layer(sizes):
    data, pieces = FULL.pack(), []
    for size in sizes:
        pieces, data = [*pieces, data[:size]], data[size:]
    counts = [len(stream.layers) for stream in arriving([*pieces, data])]
    assert counts == [1, 2, 3]


def test_the_last_layer_is_the_end():
    def pieces():
        yield FULL.pack()
        raise AssertionError("waits for more than there is")

    assert len(list(arriving(pieces()))) == 3


def test_what_stops_arriving_is_truncated():
    data = FULL.pack()
    found = arriving([data[:-1]])
    assert [len(next(found).layers) for _ in range(2)] == [1, 2]
    with pytest.raises(Truncated, match=f"truncated at byte {len(data) - 1}"):
        next(found)
    for nothing in ([], [b""], [data[:20]]):
        with pytest.raises(Truncated):
            list(arriving(nothing))


def test_the_head_is_read_without_layers(tmp_path):
    path = tmp_path / "a.m2t"
    path.write_bytes(FULL.pack())
    with path.open("rb") as file:
        head = read_head(file)
    assert (head.header, head.metadata, head.layers) == (HEADER, FULL.metadata, [])
