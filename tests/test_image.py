import contextlib
import io
import struct

import numpy as np
import pytest
from PIL import Image

from m2t.errors import ImageError
from m2t.image import ImageWarning, from_picture, open_image, save_image, to_picture

from .image_files import SRGB, XMP, noise, png, saved

RED, GREY = (255, 0, 0), (128, 128, 128)


def palette(transparency: int | bytes | None = None) -> Image.Image:
    image = Image.new("P", (3, 2), 1)
    image.putpalette([*GREY, *RED])
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


@pytest.mark.parametrize(
    ("image", "rgb", "alpha", "grey"),
    [
        (Image.new("1", (3, 2), 1), (255, 255, 255), None, True),
        (Image.new("L", (3, 2), 128), GREY, None, True),
        (Image.new("LA", (3, 2), (128, 7)), GREY, 7, True),
        (Image.new("La", (3, 2), (64, 128)), (127, 127, 127), 128, True),
        (palette(), RED, None, False),
        (palette(transparency=1), RED, 0, False),
        (palette(transparency=b"\x01\x02"), RED, 2, False),
        (Image.new("PA", (3, 2), (0, 9)), (0, 0, 0), 9, False),
        (Image.new("RGB", (3, 2), RED), RED, None, False),
        (Image.new("RGBA", (3, 2), (*RED, 7)), RED, 7, False),
        (Image.new("RGBA", (3, 2), (*RED, 255)), RED, None, False),  # opaque
        (Image.new("RGBa", (3, 2), (100, 0, 0, 100)), RED, 100, False),
        (Image.new("RGBX", (3, 2), (*RED, 7)), RED, None, False),
        (Image.new("CMYK", (3, 2), (0, 255, 255, 0)), RED, None, False),
        (Image.new("YCbCr", (3, 2), (76, 85, 255)), (254, 0, 0), None, False),
        (Image.new("LAB", (3, 2), (255, 128, 128)), (255, 255, 255), None, False),
        (Image.new("HSV", (3, 2), (0, 255, 255)), RED, None, False),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else "",
)
def test_modes(image, rgb, alpha, grey):
    picture = to_picture(image)
    assert picture.rgb.shape == (2, 3, 3)
    assert picture.rgb.dtype == np.uint8
    assert picture.rgb.flags.writeable
    np.testing.assert_allclose(picture.rgb.astype(int), np.broadcast_to(rgb, (2, 3, 3)), atol=1)
    assert picture.grey == grey
    if alpha is None:
        assert picture.alpha is None
    else:
        assert picture.alpha is not None
        assert (picture.alpha.shape, picture.alpha.dtype) == ((2, 3), np.uint8)
        assert (picture.alpha == alpha).all()


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N", "I"])
def test_sixteen_bits_are_scaled(mode):
    values = np.array([[0, 128, 129, 257, 32768, 65535]])
    kind = {"I": "int32", "I;16B": ">u2"}.get(mode, "<u2")
    image = Image.frombytes(mode, (6, 1), values.astype(kind).tobytes())
    with pytest.warns(ImageWarning, match="65535"):
        picture = to_picture(image)
    assert picture.rgb[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]
    assert picture.grey


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_floats_are_scaled(scale):
    with pytest.warns(ImageWarning, match="8 bits"):
        picture = to_picture(Image.fromarray(np.array([[0, 0.5, 1]], np.float32) * scale))
    assert picture.rgb[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(("low", "high"), [(0, 1.004), (-0.004, 1), (-3, 260)])
def test_floats_that_a_filter_left_a_little_beyond_are_cut(low, high):
    scale = 1 if high < 2 else 255
    values = np.array([[low, 0, scale / 2, high]], np.float32)
    with pytest.warns(ImageWarning, match="cut to 0 to"):
        picture = to_picture(Image.fromarray(values))
    assert picture.rgb[0, :, 0].tolist() == [0, 0, 128, 255]


def test_integers_up_to_255_are_bytes_unless_a_file_says_otherwise():
    values = np.array([[0, 100, 255]], np.int32)
    with pytest.warns(ImageWarning, match="0 to 255"):
        assert to_picture(Image.fromarray(values)).rgb[0, :, 0].tolist() == [0, 100, 255]
    pgm = io.BytesIO(b"P5 3 1 65535\n" + values.astype(">u2").tobytes())
    with pytest.warns(ImageWarning, match="0 to 65535"):
        assert to_picture(open_image(pgm)).rgb[0, :, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 4)])
def test_arrays_are_images(shape):
    values = noise(*shape)
    picture = to_picture(values)
    assert np.array_equal(
        picture.rgb, values[..., :3] if len(shape) == 3 else [[[v] * 3 for v in r] for r in values]
    )
    assert picture.grey == (len(shape) == 2)
    assert (picture.alpha is not None) == (shape[-1] == 4)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("photo.jpg", "not str"),
        (b"...", "not bytes"),
        (None, "not NoneType"),
        (np.zeros((2, 2, 3), np.float32), r"\(2, 2, 3\) float32"),
        (np.zeros((2, 2, 2), np.uint8), r"\(2, 2, 2\) uint8"),
    ],
)
def test_what_is_no_image_is_refused(given, text):
    with pytest.raises(TypeError, match=text):
        to_picture(given)


@pytest.mark.parametrize(
    "values",
    [
        np.array([[-1, 0]], np.int32),
        np.array([[0, 65536]], np.int32),
        np.array([[0, 300]], np.float32),
        np.array([[0, 1.5]], np.float32),
        np.array([[-0.2, 1]], np.float32),
        np.array([[0, np.nan]], np.float32),
        np.array([[0, np.inf]], np.float32),
    ],
)
def test_values_out_of_range(values):
    with pytest.raises(ImageError, match="expected"):
        to_picture(Image.fromarray(values))


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_sixteen_bit_colour_png_warns(colour, channels):
    row = b"\0" + struct.pack(f">{channels}H", *[0x1234] * channels)
    with pytest.warns(ImageWarning, match="16 bits"):
        image = open_image(io.BytesIO(png((1, 1), 16, colour, row)))
    assert to_picture(image).rgb.tolist() == [[[0x12] * 3]]


def test_sixteen_bit_grey_png_with_transparent_level():
    row = b"\0" + struct.pack(">2H", 0x1234, 0xFFFF)
    image = open_image(io.BytesIO(png((2, 1), 16, 0, row, extra=struct.pack(">H", 0x1234))))
    with pytest.warns(ImageWarning):
        picture = to_picture(image)
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255]]
    assert picture.rgb[..., 0].tolist() == [[255, 255]]  # nobody sees the first


def test_one_pixel():
    picture = to_picture(open_image(saved(Image.new("RGB", (1, 1), RED), "PNG")))
    assert picture.rgb.tolist() == [[list(RED)]]


def test_no_pixels():
    with pytest.raises(ImageError, match="no pixels"):
        to_picture(Image.new("RGB", (0, 3)))


def test_too_many_pixels():
    file = saved(Image.new("L", (11, 10)), "PNG")
    with pytest.raises(ImageError, match="11x10 pixels are more than the limit of 100"):
        open_image(file, 100)
    assert open_image(file, 110).size == (11, 10)


def test_decompression_bomb():
    with pytest.raises(ImageError, match="exceeds limit"):
        open_image(io.BytesIO(png((60000, 60000), 8, 2, b"")))


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", png((9, 9), 8, 2, b"")])
def test_not_an_image(data):
    with pytest.raises(ImageError):
        open_image(io.BytesIO(data))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_truncated_or_damaged_image(format):
    """Anything may be read from damaged bytes, but only ImageError may be raised."""
    data = saved(Image.fromarray(noise(16, 16, 3)), format).getvalue()
    with pytest.raises(ImageError):
        open_image(io.BytesIO(data[: len(data) // 2]))
    rng = np.random.default_rng(0)
    for _ in range(50):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] ^= 1 << rng.integers(8)
        with contextlib.suppress(ImageError):
            to_picture(open_image(io.BytesIO(damaged)))


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_image(tmp_path / "none.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(orientation):
    pixels = noise(4, 6, 3)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    file = saved(Image.fromarray(pixels), "PNG", exif=exif)
    picture = to_picture(open_image(file))
    turned = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: pixels.transpose(1, 0, 2)[:, ::-1],
        7: pixels.transpose(1, 0, 2)[::-1, ::-1],
        8: pixels.transpose(1, 0, 2)[::-1],
    }[orientation]
    assert (picture.rgb == turned).all()
    assert picture.metadata["exif"][:2] in (b"MM", b"II")
    kept = from_picture(picture).getexif()
    assert kept[0x010F] == "Maker"
    assert kept.get(0x0112, 1) == 1


def test_orientation_in_xmp():
    image = Image.fromarray(noise(4, 6, 3))
    image.info["xmp"] = b'<x:xmpmeta><a tiff:Orientation="6"/></x:xmpmeta>'
    picture = to_picture(image)
    assert picture.rgb.shape == (6, 4, 3)
    assert b"Orientation" not in picture.metadata["xmp"]


def test_damaged_exif_is_kept_and_told():
    image = Image.new("RGB", (2, 2))
    image.info["exif"] = b"Exif\0\0nonsense"
    with pytest.warns(ImageWarning, match="EXIF"):
        picture = to_picture(image)
    assert picture.metadata == {"exif": b"nonsense"}
    for suffix in ("png", "jpg", "webp"):
        file = io.BytesIO()
        save_image(from_picture(picture), file, suffix)
        assert b"nonsense" in file.getvalue()


def test_damaged_exif_of_a_jpeg_is_told_although_pillow_says_nothing():
    file = saved(Image.new("RGB", (8, 8)), "JPEG", exif=b"Exif\0\0nonsense")
    with pytest.warns(ImageWarning, match="EXIF"):
        assert to_picture(open_image(file)).metadata["exif"] == b"nonsense"


@pytest.mark.parametrize("icc", [b"profile", SRGB[:-1], bytes(400)], ids=["text", "cut", "zeros"])
def test_a_profile_that_is_none_is_kept_and_told(icc):
    image = Image.new("RGB", (2, 2))
    image.info["icc_profile"] = icc
    with pytest.warns(ImageWarning, match="profile is none, and is kept"):
        picture = to_picture(image)
    assert picture.metadata == {"icc": icc}
    assert from_picture(picture).info["icc_profile"] == icc


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animation_gives_its_first_frame(format):
    frames = [Image.new("RGB", (2, 2), RED), Image.new("RGB", (2, 2), GREY)]
    options = {"lossless": True} if format == "WEBP" else {}
    file = saved(frames[0], format, save_all=True, append_images=frames[1:], **options)
    with pytest.warns(ImageWarning, match="frames"):
        image = open_image(file)
    assert (to_picture(image).rgb == RED).all()  # and no second warning


def test_cmyk_profile_does_not_stay_with_rgb():
    image = Image.new("CMYK", (2, 2))
    image.info["icc_profile"] = b"unusable"
    image.info["xmp"] = XMP
    with pytest.warns(ImageWarning, match="profile"):
        picture = to_picture(image)
    assert picture.metadata == {"xmp": XMP}
