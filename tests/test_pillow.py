"""The plugin for Pillow: opened, saved and found as Pillow's own formats are."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

import m2t
import m2t.pillow
from m2t.image import ImageWarning

from .conftest import photograph
from .image_files import SRGB, XMP

PHOTO = photograph(90, 70)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    m2t.pillow.register()
    yield
    for registry in (Image.OPEN, Image.SAVE, Image.MIME):
        registry.pop("M2T", None)
    Image.EXTENSION.pop(".m2t", None)
    Image.ID.remove("M2T")


class Counted(io.BytesIO):
    """Knows how far it has been read."""

    furthest = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return data


def test_save_and_open(tmp_path: Path) -> None:
    path = tmp_path / "photo.m2t"
    PHOTO.save(path, quality=30, effort=0, tune="psnr")
    assert path.read_bytes() == m2t.compress(PHOTO, 30, effort=0, tune="psnr")
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("M2T", "RGB", PHOTO.size)
        assert (image.info["quality"], image.info["tune"]) == (30, "psnr")
        assert image.get_format_mimetype() == "image/x-m2t"
        assert np.array_equal(np.asarray(image), np.asarray(m2t.decompress(path.read_bytes())))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_mode(mode: str) -> None:
    image = PHOTO.convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    file = io.BytesIO()
    image.save(file, "M2T")
    back = Image.open(file)
    assert (back.mode, back.size) == (mode, image.size)
    assert np.array_equal(np.asarray(back), np.asarray(m2t.decompress(file.getvalue())))


def test_pixels_are_not_read_before_they_are_asked_for() -> None:
    noisy = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8))
    file = Counted(m2t.compress(noisy, 90, effort=0))
    image = Image.open(file)
    assert image.size == (400, 400)
    assert file.furthest <= 4096 < len(file.getvalue())
    image.load()
    assert file.furthest == len(file.getvalue())


def test_metadata_are_there_before_the_pixels_and_come_back() -> None:
    file = io.BytesIO()
    PHOTO.save(file, "M2T", icc_profile=SRGB, xmp=XMP, dpi=(300, 300), comment=b"c" * 9000)
    image = Image.open(file)
    assert image.info["icc_profile"] == SRGB
    assert image.info["xmp"] == XMP
    assert image.info["dpi"] == (300, 300)
    assert image.info["comment"] == b"c" * 9000


def test_exif_of_pillow_is_taken() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    file = io.BytesIO()
    PHOTO.save(file, "M2T", exif=exif)
    assert Image.open(file).getexif()[0x010F] == "Maker"


@pytest.mark.parametrize("options", [{"quality": 101}, {"quality": 5.5}, {"tune": "ear"}])
def test_options_that_there_are_not(options: dict, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="must be"):
        PHOTO.save(tmp_path / "a.m2t", **options)
    assert not (tmp_path / "a.m2t").exists()  # as Pillow does it


def test_the_limit_of_pixels_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO(m2t.compress(PHOTO))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(file)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_files_raise_oserror(share: float) -> None:
    data = m2t.compress(PHOTO)
    file = io.BytesIO(data[: int(share * len(data))])
    with pytest.raises(OSError, match="truncated at byte"):
        Image.open(file).load()


def test_files_of_other_models_raise_oserror() -> None:
    data = bytearray(m2t.compress(PHOTO))
    stream = m2t.Codec.load()
    other = m2t.Codec(stream.transforms, stream.network, bytes(8)).compress(PHOTO)
    with pytest.raises(OSError, match="needs model 0000"):
        Image.open(io.BytesIO(other)).load()
    Image.open(io.BytesIO(data)).load()


def test_nothing_is_registered_by_itself() -> None:
    code = "import m2t.pillow; from PIL import Image; Image.init(); assert 'M2T' not in Image.OPEN"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_thumbnails_are_of_small_pictures() -> None:
    data = m2t.compress(photograph(403, 300))
    image = Image.open(io.BytesIO(data))
    image.thumbnail((50, 50))
    assert image.size == (50, 37)
    with Image.open(io.BytesIO(data)) as small:
        small.draft(None, (50, 30))
        assert small.size == (51, 38)
        assert np.array_equal(np.asarray(small), np.asarray(m2t.decompress(data, scale=8)))
        assert small.draft(None, (5, 5)) is None


@pytest.mark.parametrize(("size", "found"), [((403, 300), 1), ((202, 150), 1), ((201, 150), 2)])
def test_drafts_are_no_smaller_than_asked_for(size: tuple[int, int], found: int) -> None:
    with Image.open(io.BytesIO(m2t.compress(photograph(403, 300), effort=0))) as image:
        image.draft(None, size)
        assert image.size == (-(-403 // found), -(-300 // found))
        image.load()


def test_layers_and_files_that_end_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    PHOTO.save(file, "M2T", progressive=True)
    data = file.getvalue()
    assert data == m2t.compress(PHOTO, layers=4)
    assert np.array_equal(np.asarray(Image.open(file)), np.asarray(m2t.decompress(data)))
    cut = io.BytesIO(data[:-1])
    with pytest.raises(OSError, match="truncated"):
        Image.open(cut).load()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.warns(ImageWarning, match="3 of 4 layers"):
        image = np.asarray(Image.open(cut))
    assert np.array_equal(image, np.asarray(m2t.decompress(data, upto=3)))


def test_imageio_reads_and_writes_by_pillow(tmp_path: Path) -> None:
    imageio = pytest.importorskip("imageio.v3")
    path = tmp_path / "photo.m2t"
    imageio.imwrite(path, np.asarray(PHOTO), quality=60)
    assert path.read_bytes() == m2t.compress(PHOTO, 60)
    assert np.array_equal(imageio.imread(path), np.asarray(m2t.decompress(path.read_bytes())))
    assert imageio.immeta(path)["quality"] == 60
