"""Pictures back to images and files, and the alpha plane's bytes."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from m2t.errors import Corrupt, OutputError
from m2t.image import (
    Picture,
    decode_alpha,
    encode_alpha,
    from_picture,
    open_image,
    save_image,
    to_picture,
)

from .image_files import SRGB, XMP, noise, png, saved


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_pictures_come_back(grey, with_alpha, suffix):
    pixels = np.repeat(noise(5, 7, 1), 3, axis=2) if grey else noise(5, 7, 3)
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    alpha = noise(5, 7) if with_alpha else None
    its = {"icc": SRGB, "exif": exif.tobytes().removeprefix(b"Exif\0\0"), "xmp": XMP}
    picture = Picture(pixels, alpha, grey, its)
    image = from_picture(picture)
    assert image.mode == ("L" if grey else "RGB") + ("A" if with_alpha else "")
    file = io.BytesIO()
    if with_alpha and suffix == ".jpg":
        with pytest.raises(OutputError, match="transparency"):
            save_image(image, file, suffix)
        return
    save_image(image, file, suffix)
    file.seek(0)
    back = to_picture(open_image(file))
    assert back.metadata == picture.metadata
    if suffix != ".jpg":
        np.testing.assert_array_equal(back.rgb, pixels)
        np.testing.assert_array_equal(back.alpha, alpha)
    if suffix != ".webp":  # which has no grey
        assert back.grey == grey


def test_save_by_name(tmp_path):
    path = tmp_path / "out.ppm"
    save_image(Image.fromarray(noise(2, 3, 3)), path)
    assert path.read_bytes() == b"P6\n3 2\n255\n" + noise(2, 3, 3).tobytes()
    with pytest.raises(OutputError, match="xyz"):
        save_image(Image.new("L", (1, 1)), tmp_path / "out.xyz")
    with pytest.raises(OutputError, match="limit"):
        save_image(Image.new("L", (20000, 1)), tmp_path / "out.webp")
    assert [file.name for file in tmp_path.iterdir()] == ["out.ppm"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (64, 17)])
def test_alpha_round_trip(shape):
    alpha = noise(*shape)
    data = encode_alpha(alpha)
    assert (decode_alpha(data, shape[::-1]) == alpha).all()


def test_alpha_must_be_what_we_write():
    data = encode_alpha(noise(4, 6))
    colour = saved(Image.new("RGB", (6, 4)), "PNG").getvalue()
    jpeg = saved(Image.new("L", (6, 4)), "JPEG").getvalue()
    bomb = png((60000, 60000), 8, 0, b"")
    for bad in (b"", b"nonsense", colour, jpeg, bomb, data[:50], data[:-30]):
        with pytest.raises(Corrupt):
            decode_alpha(bad, (6, 4))
    with pytest.raises(Corrupt, match="alpha"):
        decode_alpha(data, (4, 6))


def test_damaged_alpha_raises_nothing_else():
    data = encode_alpha(noise(4, 6))
    for index in range(len(data)):
        damaged = bytearray(data)
        damaged[index] ^= 0x55
        with contextlib.suppress(Corrupt):
            decode_alpha(bytes(damaged), (6, 4))
