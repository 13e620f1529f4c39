"""Each field of the header is obeyed, or the file is refused: docs/format.md has them.

A field is rewritten and the header's checksum made right, so that nothing but the field speaks.
"""

import dataclasses

import numpy as np
import pytest

from m2t.container.header import Header
from m2t.errors import FormatError, UnknownModel

from .m2t_files import FIELDS, MODEL_ID, VERSION, codec, cut, put, sound, with_crc, with_field

KINDS = ("one", "strips", "layers")


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(codec().decompress(data))


def with_byte(data: bytes, place: int, value: int) -> bytes:
    head, chunks = cut(data)
    head = head[:place] + bytes([value]) + head[place + 1 :]
    return put(with_crc(head), chunks)


def test_these_are_all_fields() -> None:
    names = [field.name for field in dataclasses.fields(Header)]
    assert names == ["version", "model_id", *FIELDS]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_rewritten_as_it_was_decodes(kind: str) -> None:
    """So that the cases below are refused for their own reason."""
    data = sound(kind)
    assert with_byte(data, VERSION, data[VERSION]) == with_field(data, "width", 110) == data


@pytest.mark.parametrize("kind", KINDS)
def test_version(kind: str) -> None:
    data = sound(kind)
    for version in {0, 1, 2, 3, 255} - {data[VERSION]}:
        with pytest.raises(FormatError):
            codec().decompress(with_byte(data, VERSION, version))


@pytest.mark.parametrize("kind", KINDS)
def test_model_id(kind: str) -> None:
    data = sound(kind)
    for place in range(MODEL_ID, MODEL_ID + 8):
        with pytest.raises(UnknownModel, match="needs model"):
            codec().decompress(with_byte(data, place, data[place] ^ 1))


@pytest.mark.parametrize("kind", KINDS)
def test_width_and_height(kind: str) -> None:
    """Within the same tokens, a picture is cut elsewhere; others do not make its tokens."""
    data = sound(kind)
    before = pixels(data)
    for width in (97, 109, 111, 112):
        after = pixels(with_field(data, "width", width))
        assert after.shape == (40, width, 3)
        assert np.array_equal(after[:, :97], before[:, :97])
    for height in (33, 48):
        after = pixels(with_field(data, "height", height))
        assert after.shape == (height, 110, 3)
        assert np.array_equal(after[:33], before[:33])
    for name, values in {"width": (0, 1, 96, 113, 200), "height": (0, 1, 32, 49, 65535)}.items():
        for value in values:
            with pytest.raises(FormatError):
                codec().decompress(with_field(data, name, value))


WRONG = {
    "quality": (0, 1, 39, 41, 100, 101, 2**31),
    "steps": (0, 1, 4, 6, 65535, 65536),
    "alpha": (0, 21, 23, 255, 256),
    "order": (1, 2, 3, 4),
    "seed": (1, 255, 256),
    "flags": (0, 1, 4, 6, 128),  # bit 1 is set: it is tuned for the eye
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WRONG)
def test_what_tokens_depend_on(kind: str, name: str) -> None:
    """Other distributions do not end where these streams do, or the model has no such order."""
    for value in WRONG[name]:
        with pytest.raises(FormatError):
            codec().decompress(with_field(sound(kind), name, value))


@pytest.mark.parametrize("kind", KINDS)
def test_grey(kind: str) -> None:
    data = sound(kind)
    image = codec().decompress(with_field(data, "flags", 3))
    assert image.mode == "L"
    assert codec().decompress(data).mode == "RGB"
