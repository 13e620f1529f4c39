"""Colours that files tell by numbers: they come back right, or are told of."""

import io
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from m2t.image import ImageWarning, from_picture, open_image, save_image, to_picture
from m2t.image.boxes import nclx

from .image_files import SRGB, chunk, noise, saved

COLOURS = noise(8, 12, 3)
SRGB_XY = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
ADOBE_XY = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
IDENTITY = np.eye(3)
# From linear light to that of sRGB, as CSS Color 4 has them.
FROM_P3 = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09827]])
FROM_2020 = np.array(
    [[1.66049, -0.58764, -0.07285], [-0.12455, 1.1329, -0.00835], [-0.01815, -0.10058, 1.11873]]
)
FROM_ADOBE = np.array([[1.39836, -0.39836, 0], [0, 1, 0], [0, -0.04293, 1.04293]])


def with_chunks(*chunks: bytes, image: Image.Image | None = None) -> io.BytesIO:
    """A PNG with more chunks after its header."""
    file = saved(Image.fromarray(COLOURS) if image is None else image, "PNG").getvalue()
    return io.BytesIO(file[:33] + b"".join(chunks) + file[33:])


def cicp(primaries: int, transfer: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, 1]))


def gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def chrm(*values: int) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


def avif(primaries: int, transfer: int) -> io.BytesIO:
    data = bytearray(saved(Image.fromarray(COLOURS), "AVIF", quality=100).getvalue())
    at = data.index(b"nclx")
    data[at + 4 : at + 8] = struct.pack(">HH", primaries, transfer)
    return io.BytesIO(bytes(data))


def profile(file: io.BytesIO) -> bytes | None:
    """Nothing is told, and this is what the picture has in an .m2t file."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return to_picture(open_image(file)).metadata.get("icc")


def light_of_srgb(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def by_hand(rgb: np.ndarray, gamma: float | None, matrix: np.ndarray) -> np.ndarray:
    """What an sRGB screen should show."""
    light = light_of_srgb(rgb / 255) if gamma is None else (rgb / 255) ** gamma
    light = (light @ matrix.T).clip(0, 1)
    small = light <= 0.0031308
    return 255 * np.where(small, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("suffix", ["png", "webp"])
@pytest.mark.parametrize(
    ("file", "gamma", "matrix"),
    [
        (with_chunks(cicp(12, 13)), None, FROM_P3),
        (with_chunks(cicp(9, 14)), None, FROM_2020),
        (with_chunks(cicp(9, 8)), 1, FROM_2020),
        (with_chunks(cicp(1, 4)), 2.2, IDENTITY),
        (with_chunks(gama(100000)), 1, IDENTITY),
        (with_chunks(gama(45455), chrm(*ADOBE_XY)), 2.2, FROM_ADOBE),
        (with_chunks(chrm(*ADOBE_XY)), None, FROM_ADOBE),
        (avif(12, 13), None, FROM_P3),
        (avif(9, 13), None, FROM_2020),
    ],
)
def test_colours_come_back_right(file, gamma, matrix, suffix):
    file.seek(0)
    picture = to_picture(open_image(file))
    result = io.BytesIO()
    save_image(from_picture(picture), result, suffix)
    shown = Image.open(result)
    found = ImageCms.profileToProfile(
        shown,
        io.BytesIO(shown.info["icc_profile"]),
        io.BytesIO(SRGB),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    assert found is not None
    np.testing.assert_allclose(np.asarray(found), by_hand(picture.rgb, gamma, matrix), atol=1)
    assert np.abs(np.asarray(found) - picture.rgb.astype(int)).max() > 3  # not sRGB as it is


def test_grey_pictures_get_a_grey_profile():
    image = Image.fromarray(COLOURS).convert("L")
    icc = profile(with_chunks(gama(100000), chrm(*ADOBE_XY), image=image))
    assert icc is not None
    shown = from_picture(to_picture(open_image(with_chunks(gama(100000), image=image))))
    found = ImageCms.profileToProfile(shown, io.BytesIO(icc), io.BytesIO(SRGB), outputMode="RGB")
    wanted = by_hand(np.asarray(image)[..., None].repeat(3, 2), 1, IDENTITY)
    np.testing.assert_allclose(np.asarray(found), wanted, atol=1)
    assert profile(with_chunks(cicp(12, 13), image=image)) is None  # grey is grey


def test_profiles_are_small_and_always_the_same():
    first, second = (profile(with_chunks(cicp(12, 13))) for _ in range(2))
    assert first == second == profile(avif(12, 13))
    assert first is not None
    assert len(first) == 492
    assert ImageCms.getProfileDescription(io.BytesIO(first)).strip() == "Display P3"


@pytest.mark.parametrize(
    "file",
    [
        with_chunks(cicp(1, 13)),
        with_chunks(cicp(2, 2), gama(100000)),  # cICP counts more
        with_chunks(gama(45455)),
        with_chunks(gama(45455), chrm(*SRGB_XY)),
        with_chunks(chunk(b"sRGB", b"\0"), gama(100000)),
        avif(1, 13),
        avif(2, 2),
        avif(1, 1),
        avif(6, 6),
    ],
)
def test_srgb_told_by_numbers_needs_no_profile(file):
    file.seek(0)
    assert profile(file) is None


def test_heic_files_tell_colours_as_avif_files_do():
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    image = Image.new("RGB", (64, 64), (200, 100, 50))
    heif.from_pillow(image).save(file, color_primaries=12, transfer_characteristic=13)
    assert profile(file) == profile(avif(12, 13))


def test_a_profile_counts_more_than_numbers():
    file = saved(Image.fromarray(COLOURS), "PNG", icc_profile=SRGB).getvalue()
    assert profile(io.BytesIO(file[:33] + cicp(12, 13) + file[33:])) == SRGB


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (with_chunks(cicp(9, 16)), "HDR colours of primaries 9 and transfer 16 are not kept"),
        (with_chunks(cicp(12, 18)), "HDR colours of primaries 12"),
        (with_chunks(cicp(1, 17)), "colours of primaries 1 and transfer 17"),
        (with_chunks(cicp(99, 13)), "colours of primaries 99"),
        (avif(9, 16), "HDR colours of primaries 9"),
        (with_chunks(gama(1)), "gamma 1e-05 is not kept"),
        (with_chunks(gama(0)), "gamma 0 is not kept"),
        (with_chunks(chrm(*[0] * 8)), "primaries are not kept"),
        (with_chunks(chrm(*[2**32 - 1] * 8)), "primaries are not kept"),
        (
            with_chunks(chrm(*[33333] * 8)),
            "primaries are not kept, for the primaries lie on a line",
        ),
        (with_chunks(chrm(64000, 33000, *ADOBE_XY[2:6], 60000, 30000)), "primaries are not kept"),
    ],
)
def test_what_no_profile_can_say_is_told(file, text):
    file.seek(0)
    with pytest.warns(ImageWarning, match=text):
        image = open_image(file)
    assert "icc" not in to_picture(image).metadata


@pytest.mark.parametrize(
    "damaged",
    [
        chunk(b"cICP", b""),
        chunk(b"cICP", bytes([12, 13])),
        chunk(b"cICP", bytes([12, 13, 0, 1]) * 99),
    ],
)
def test_damaged_numbers_are_ignored(damaged):
    assert profile(with_chunks(damaged)) is None
    assert profile(with_chunks(damaged, cicp(12, 13))) == profile(with_chunks(cicp(12, 13)))


def box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def colr(primaries: int, transfer: int) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, 0, 128))


@pytest.mark.parametrize(
    ("version", "flags", "items"), [(0, 0, ">HBBHBB"), (1, 0, ">IBBIBB"), (0, 1, ">HBHHBH")]
)
def test_numbers_are_those_of_the_main_picture(version, flags, items):
    """Not those of a thumbnail or of a gain map, which may come first."""
    of_items = struct.pack(items, 1, 1, 1, 2, 1, 2)
    associations = box(b"ipma", bytes([version, 0, 0, flags, 0, 0, 0, 2]), of_items)
    properties = box(b"iprp", box(b"ipco", colr(9, 16), colr(12, 13)), associations)
    main = box(b"pitm", bytes(4), b"\0\2")
    head = box(b"ftyp", b"avif") + box(b"meta", bytes(4), main, properties)
    assert nclx(head) == (12, 13)
    assert nclx(head.replace(main, box(b"pitm", bytes(4), b"\0\3"))) is None


def test_no_damage_of_boxes_raises():
    data = avif(12, 13).getvalue()
    end = data.index(b"mdat")
    for i in range(end):
        for value in (0, 1, 255):
            nclx(data[:i] + bytes([value]) + data[i + 1 : end])
        nclx(data[:i])


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_boxes(data):
    assert nclx(data) is None
