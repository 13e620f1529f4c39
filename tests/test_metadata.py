"""What belongs to pictures, from files through .m2t to files."""

import io
import struct
import warnings

import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from m2t.cli import main
from m2t.container import Bitstream, Header, Strip, parse
from m2t.errors import ImageError
from m2t.image import ImageWarning, from_picture, open_image, save_image, to_picture
from m2t.image.metadata import attach, gathered

from .image_files import SRGB, XMP, saved

RGB = Image.new("RGB", (8, 6), (200, 100, 50))
IPTC = b"\x1c\x02\x78\x00\x0bBy the lake"
ALL = {
    "icc": SRGB,
    "exif": b"II*\0\x08\0\0\0\0\0\0\0\0\0",
    "xmp": XMP,
    "dpi": b"300 150",
    "comment": b"a comment",
    "iptc": IPTC,
    "text": b"Title\0A lake\0Author\0Somebody\0",
}


def opened(file: io.BytesIO) -> dict[str, bytes]:
    return to_picture(open_image(file)).metadata


def resaved(metadata: dict[str, bytes], suffix: str) -> dict[str, bytes]:
    image = RGB.copy()
    attach(image, metadata)
    file = io.BytesIO()
    save_image(image, file, suffix)
    file.seek(0)
    return opened(file)


def test_info_and_back():
    image = RGB.copy()
    attach(image, ALL)
    assert gathered(image.info) == ALL
    assert to_picture(image).metadata == ALL
    assert gathered(from_picture(to_picture(image)).info) == ALL


def test_all_of_it_is_in_the_file():
    header = Header(bytes(8), 1, 1, 50, 12, 22)
    assert parse(Bitstream(header, [Strip([b""], 0)], dict(ALL)).pack()).metadata == ALL


def test_jpeg_files_keep_comments_captions_and_resolution():
    kept = {key: ALL[key] for key in ("icc", "xmp", "comment", "iptc", "dpi")}
    assert resaved(kept | {"dpi": b"300 300"}, "jpg") == kept | {"dpi": b"300 300"}


def test_png_files_keep_texts_and_resolution():
    kept = {key: ALL[key] for key in ("text", "xmp", "dpi")}
    assert resaved(kept, "png") == kept


def tiff(**tags: object) -> io.BytesIO:
    """A TIFF file with some more tags, by their names in EXIF."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in tags.items():
        info[{"IPTC": 33723}.get(name) or ExifTags.Base[name]] = value
    return saved(RGB, "TIFF", tiffinfo=info)


@pytest.mark.parametrize(("orientation", "shape"), [(1, (6, 8, 3)), (6, (8, 6, 3))])
def test_tags_of_tiff_files_are_exif(orientation, shape):
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "Maker", orientation
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2020:01:02 03:04:05"}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    loaded = Image.Exif()
    loaded.load(exif.tobytes())
    picture = to_picture(open_image(saved(RGB, "TIFF", exif=loaded)))
    assert picture.rgb.shape == shape
    kept = from_picture(picture).getexif()
    assert kept[ExifTags.Base.Make] == "Maker"
    assert kept.get(ExifTags.Base.Orientation, 1) == 1
    assert ExifTags.Base.StripOffsets not in kept
    assert kept.get_ifd(ExifTags.IFD.Exif) == exif[ExifTags.IFD.Exif]
    assert kept.get_ifd(ExifTags.IFD.GPSInfo) == exif[ExifTags.IFD.GPSInfo]


def test_captions_of_tiff_files_are_kept():
    found = opened(tiff(IPTC=IPTC + b"\0" * (-len(IPTC) % 4), ImageDescription="a lake"))
    assert found["iptc"].startswith(IPTC)
    assert b"a lake" in found["exif"]
    assert "exif" not in opened(tiff())


def test_damaged_tags_cost_nothing_else(monkeypatch):
    def damaged(*_):
        raise struct.error("unpack requires a buffer of 4 bytes")

    file = tiff(Make="Maker")
    monkeypatch.setattr(Image.Exif, "get_ifd", damaged)
    with pytest.warns(ImageWarning, match="damaged tags"):
        assert to_picture(open_image(file)).rgb.shape == (6, 8, 3)


def test_png_files_keep_comments_as_texts():
    assert resaved({"comment": b"a comment"}, "png") == {"text": b"Comment\0a comment\0"}


def test_jpeg_files_keep_texts_in_their_comment():
    texts = {"text": b"Title\0A lake\0Comment\0by boat\0"}
    assert resaved(texts, "jpg") == {"comment": b"Title: A lake\nby boat"}
    both = texts | {"comment": b"a comment"}
    assert resaved(both, "jpg") == {"comment": b"a comment\nTitle: A lake\nby boat"}


def test_pngs_may_have_more_metadata_than_pillow_takes(tmp_path):
    large = (4_000_000).to_bytes(4, "big") + bytes(32) + b"acsp" + bytes(3_999_960)
    RGB.save(tmp_path / "a.png", icc_profile=large)
    assert main(["compress", str(tmp_path / "a.png")]) == 0
    assert parse((tmp_path / "a.m2t").read_bytes()).metadata == {"icc": large}
    assert len(large) > PngImagePlugin.MAX_TEXT_CHUNK


@pytest.mark.parametrize(
    ("suffix", "key", "text"),
    [
        ("png", "iptc", "PNG files hold no IPTC"),
        ("webp", "comment", "WEBP files hold no comment"),
        ("webp", "iptc", "WEBP files hold no IPTC"),
        ("webp", "text", "WEBP files hold no captions .* Title, Author"),
        ("webp", "dpi", "WEBP files hold no resolution"),
        ("ppm", "icc", "PPM files hold no metadata"),
        ("ppm", "dpi", "PPM files hold no metadata"),
    ],
)
def test_what_a_format_cannot_hold_is_told(suffix, key, text):
    with pytest.warns(ImageWarning, match=text):
        assert key not in resaved({key: ALL[key]}, suffix)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("exif", b"II*\0" + bytes(70000)),
        ("xmp", b"<x/>" + b" " * 70000),
        ("comment", b"c" * 70000),
        ("iptc", b"i" * 70000),
    ],
)
def test_a_jpeg_file_is_had_however_long_the_metadata(key, value):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert key not in resaved({key: value, "icc": SRGB}, "jpg")
    assert any("more than JPEG files hold" in str(warning.message) for warning in told)


@pytest.mark.parametrize("value", [b"", b"300", b"0 0", b"a b", b"1e9 1", b"nan nan", b"-1 1"])
def test_damaged_resolution_is_ignored(value):
    image = RGB.copy()
    attach(image, {"dpi": value})
    assert "dpi" not in image.info


@pytest.mark.parametrize("value", [(0, 0), ("a", 1), 300, None, (float("nan"), 1)])
def test_odd_resolutions_of_pillow_are_ignored(value):
    assert gathered({"dpi": value}) == {}


@pytest.mark.parametrize("value", [b"\xff\xfe\0a", b"key", b"\0\0\0", b"a\0b"])
def test_damaged_texts_raise_nothing(value):
    image = RGB.copy()
    attach(image, {"text": value})
    save_image(image, io.BytesIO(), "png")


def test_captions_of_png_files_are_read():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Description", "A lake")
    texts.add_itxt("Author", "Some\u00f6ne")
    found = opened(saved(RGB, "PNG", pnginfo=texts))
    assert found == {"text": "Description\0A lake\0Author\0Some\u00f6ne\0".encode()}


def test_metadata_of_none_are_none():
    image = RGB.copy()
    image.info.update(exif=None, xmp=None, icc_profile=None, photoshop=None)
    assert to_picture(image).metadata == {}


def test_a_gain_map_is_named_and_no_longer_announced():
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description dc:title="Sea" '
        b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    file = io.BytesIO()
    RGB.save(file, "JPEG", xmp=xmp)
    with pytest.warns(ImageWarning, match="HDR gain map is not kept"):
        picture = to_picture(open_image(file))
    assert b"hdrgm:Version" not in picture.metadata["xmp"]
    assert b'dc:title="Sea"' in picture.metadata["xmp"]


def test_gain_maps_among_the_items_of_heic_and_avif_are_named():
    data = saved(RGB, "AVIF").getvalue()
    entry = b"infe\2\0\0\0\0\2\0\0tmap"
    with pytest.warns(ImageWarning, match="HDR gain map"):
        open_image(io.BytesIO(data + entry))


@pytest.mark.parametrize("tags", [{50706: b"\1\4\0\0"}, {254: 1, 330: 8}])
def test_raw_files_are_refused(tags):
    file = saved(RGB, "TIFF", tiffinfo=tags)
    with pytest.raises(ImageError, match=r"camera raw data, .* preview of 8x6 pixels"):
        open_image(file)


def test_reduced_pages_alone_are_no_raw_files():
    assert open_image(saved(RGB, "TIFF", tiffinfo={254: 1})).size == (8, 6)


@pytest.mark.parametrize(
    ("head", "name", "package"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC", "pillow-heif"),
        (b"\xff\x0a", "JPEG XL", "pillow-jxl-plugin"),
    ],
)
def test_formats_of_plugins_say_which(monkeypatch, head, name, package):
    def unknown(*_):
        raise UnidentifiedImageError

    monkeypatch.setattr(Image, "open", unknown)  # other tests may have told Pillow of plugins
    monkeypatch.setattr("m2t.image.reading.find_spec", lambda module: None)
    with pytest.raises(ImageError, match=f"reads {name} with a plugin: pip install {package}"):
        open_image(io.BytesIO(head + bytes(100)))


def test_heic_files_are_read_where_the_plugin_is():
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(RGB.resize((64, 64))).save(file)
    file.seek(0)
    picture = to_picture(open_image(file))
    assert picture.rgb.shape == (64, 64, 3)
    assert abs(picture.rgb.astype(int) - [200, 100, 50]).max() < 9


def test_damaged_heic_files_are_image_errors():
    pytest.importorskip("pillow_heif")
    with pytest.raises(ImageError):
        open_image(io.BytesIO(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)))
