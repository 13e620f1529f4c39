"""A codec in several threads and processes: pickled, copied, forked."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from m2t.codec import Codec

from .conftest import photograph

PHOTO = photograph(300, 220)
PATIENCE = 60
"""Seconds after which a process hangs."""


def pixels(image: Image.Image) -> bytes:
    return np.asarray(image).tobytes()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda codec: pickle.loads(pickle.dumps(codec))])
def test_a_copy_makes_the_same_files(codec: Codec, copied: Callable[[Codec], Codec]) -> None:
    other, data = copied(codec), codec.compress(PHOTO, 60)
    assert other.compress(PHOTO, 60) == data
    assert pixels(other.decompress(data)) == pixels(codec.decompress(data))


def test_threads_share_a_codec(codec: Codec) -> None:
    qualities = [20, 40, 60, 80] * 2
    expected = [codec.compress(PHOTO, quality) for quality in qualities]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda q: codec.compress(PHOTO, q), qualities)) == expected
        found = list(threads.map(codec.decompress, expected))
    assert [pixels(image) for image in found] == [pixels(codec.decompress(d)) for d in expected]


def answer(connection, codec: Codec, data: bytes) -> None:
    connection.send((codec.compress(PHOTO, 60), pixels(codec.decompress(data))))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking, from Python 3.12 on
def test_other_processes_use_the_codec_of_their_parent(codec: Codec, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork")
    codec = codec.on_threads(2)
    data = codec.compress(PHOTO, 60)  # its threads have run
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    process = context.Process(target=answer, args=(theirs, codec, data))
    process.start()
    try:
        assert ours.poll(PATIENCE), "it hangs"
        assert ours.recv() == (data, pixels(codec.decompress(data)))
    finally:
        process.kill()
        process.join()
