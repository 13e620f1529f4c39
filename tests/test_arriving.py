"""Files in layers as they arrive: beginnings of them, and damage on the way."""

import io

import numpy as np
import pytest
from PIL import Image

import m2t
from m2t.codec import Codec
from m2t.container import parse
from m2t.errors import Corrupt, FormatError, Truncated
from m2t.image import ImageWarning

from .conftest import photograph

PHOTO = photograph(150, 100)  # 7x10 tokens: windows of 4x5 and 3x5


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


def test_every_prefix_is_a_picture_or_an_error(codec: Codec) -> None:
    data = codec.compress(photograph(60, 40), 30, layers=3)
    whole = [pixels(codec.decompress(data, upto=i)) for i in (1, 2, 3)]
    seen = set()
    for num_bytes in range(len(data)):
        with pytest.raises(FormatError):
            codec.decompress(data[:num_bytes])
        try:
            parse(data[:num_bytes], partial=True)
        except FormatError:
            with pytest.raises(Truncated):
                codec.decompress(data[:num_bytes], partial=True)
            continue
        with pytest.warns(ImageWarning, match=r"^truncated: [12] of 3 layers, \d+ % of the bytes$"):
            image = codec.decompress(data[:num_bytes], partial=True)
        [layer] = [i for i in (0, 1) if np.array_equal(pixels(image), whole[i])]
        seen.add(layer)
    assert seen == {0, 1}


@pytest.mark.filterwarnings("error")
def test_nothing_is_warned_of_where_nothing_is_missing(codec: Codec) -> None:
    data = codec.compress(PHOTO, 30, layers=3)
    codec.decompress(data, partial=True)
    codec.decompress(data, upto=2, partial=True)
    codec.decompress(data[:-1], upto=2)
    codec.decompress(codec.compress(PHOTO), upto=2, partial=True)


def test_exchanged_parts_are_noticed_in_their_layer(codec: Codec) -> None:
    """Behind the checksums of chunks: those of the tokens, and the ends of parts."""
    stream = parse(codec.compress(PHOTO, 60, layers=3))
    for i in range(3):
        for change in (reversed, lambda parts: [parts[0] + b"\0" * 4, *parts[1:]]):
            parts = stream.layers[i].parts
            stream.layers[i].parts[:] = list(change(list(parts)))
            bad = stream.pack()
            if i:
                codec.decompress(bad, upto=i)
            with pytest.raises(FormatError):
                codec.decompress(bad, upto=i + 1)
            stream = parse(codec.compress(PHOTO, 60, layers=3))


def test_a_wrong_checksum_names_its_layer(codec: Codec) -> None:
    stream = parse(codec.compress(PHOTO, 60, layers=3))
    object.__setattr__(stream.layers[1], "latents_crc", stream.layers[1].latents_crc ^ 1)
    codec.decompress(stream.pack(), upto=1)
    with pytest.raises(Corrupt, match="latents of layer 2 do not match"):
        codec.decompress(stream.pack(), upto=2)


def test_damaged_parts_never_crash_the_decoder(codec: Codec) -> None:
    rng = np.random.default_rng(0)
    data = codec.compress(PHOTO, 60, layers=3)
    for _ in range(40):
        stream = parse(data)
        parts = stream.layers[rng.integers(3)].parts
        i = rng.integers(len(parts))
        if parts[i]:
            damaged = bytearray(parts[i])
            damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
            parts[i] = bytes(damaged)
            with pytest.raises(FormatError):
                codec.decompress(stream.pack())


def test_steps_of_arriving_bytes(codec: Codec) -> None:
    data = codec.compress(PHOTO, 60, layers=3)
    expected = [pixels(codec.decompress(data, upto=i)) for i in (1, 2, 3)]
    for source in (io.BytesIO(data), [data], (data[i : i + 7] for i in range(0, len(data), 7))):
        found = list(m2t.decompress_steps(source, codec))
        assert [layer for layer, _ in found] == [1, 2, 3]
        assert all(np.array_equal(pixels(a), b) for (_, a), b in zip(found, expected, strict=True))


def test_steps_come_as_soon_as_their_bytes(codec: Codec) -> None:
    data = codec.compress(PHOTO, 60, layers=3)
    given = 0

    def pieces():
        nonlocal given
        for byte in data:
            given += 1
            yield bytes([byte])

    for layer, _ in m2t.decompress_steps(pieces(), codec):
        assert len(parse(data[:given], partial=True).layers) == layer
        with pytest.raises(Truncated):
            parse(data[: given - 1], upto=layer)
    assert given == len(data)


def test_steps_of_a_file_without_layers_are_one(codec: Codec) -> None:
    data = codec.compress(PHOTO)
    [(layer, image)] = m2t.decompress_steps(io.BytesIO(data), codec)
    assert layer == 1
    assert np.array_equal(pixels(image), pixels(codec.decompress(data)))
