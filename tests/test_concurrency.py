"""Calls at once, in threads and forked processes, give the bytes of calls one after another."""

import multiprocessing
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import m2t
from m2t.codec import Codec

from .conftest import photograph

SIZES = [(1, 1), (97, 33), (200, 60), (33, 130), (64, 64), (150, 150)]
SHARERS = 6
"""Threads or processes."""


def there_and_back(codec: Codec, number: int) -> tuple[bytes, bytes]:
    """A file and its pixels, of one of some pictures, each made in a way of its own."""
    image = photograph(*SIZES[number % len(SIZES)], seed=number)
    ways = {
        "effort": number % 3,
        "layers": 1 + number % 2,
        "lossless": ("auto", "never")[number % 2],
    }
    data = codec.compress(image, 10 + 7 * number, **ways)
    return data, codec.decompress(data).tobytes()


@pytest.fixture(scope="module")
def expected(codec: Codec) -> list[tuple[bytes, bytes]]:
    return [there_and_back(codec.on_threads(1), number) for number in range(2 * len(SIZES))]


@pytest.fixture(params=[1, 3])
def some_codec(codec: Codec, request: pytest.FixtureRequest) -> Codec:
    """A codec with so many threads of its own."""
    return codec.on_threads(request.param)


def test_threads_share_a_codec(some_codec: Codec, expected: list[tuple[bytes, bytes]]) -> None:
    together = threading.Barrier(SHARERS)

    def all_of_them(first: int) -> list[tuple[bytes, bytes]]:
        together.wait()
        numbers = [(first + i) % len(expected) for i in range(len(expected))]
        found = {number: there_and_back(some_codec, number) for number in numbers}
        return [found[number] for number in range(len(expected))]

    with ThreadPoolExecutor(SHARERS) as pool:
        for found in pool.map(all_of_them, range(SHARERS)):
            assert found == expected


def test_threads_use_the_package() -> None:
    """Functions that load weights, each call anew."""
    image = photograph(60, 40)
    data = m2t.compress(image)
    with ThreadPoolExecutor(SHARERS) as pool:
        assert set(pool.map(lambda _: m2t.compress(image), range(SHARERS))) == {data}
        shown = {image.tobytes() for image in pool.map(m2t.decompress, [data] * SHARERS)}
    assert shown == {m2t.decompress(data).tobytes()}


_shared: list[Codec] = []
"""What a forked process has of its parent, and cannot be sent."""


def in_a_child(number: int) -> tuple[bytes, bytes]:
    return there_and_back(_shared[0], number)


@pytest.fixture
def inherited(some_codec: Codec) -> Iterator[Codec]:
    _shared.append(some_codec)
    yield some_codec
    _shared.clear()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python, from 3.12 on
@pytest.mark.skipif(sys.platform != "linux", reason="forks with threads")
def test_forked_workers_have_the_codec_of_their_parent(
    inherited: Codec, expected: list[tuple[bytes, bytes]]
) -> None:
    there_and_back(inherited, 0)  # it was used before, by all of its threads
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(in_a_child, range(len(expected)), chunksize=1)
        there_and_back(inherited, 1)  # and is used beside them
        assert found.get(timeout=120) == expected
