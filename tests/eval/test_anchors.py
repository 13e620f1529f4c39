import pytest

from m2t.eval.anchors import ANCHORS, AVIF, CODECS, ImageCodec
from m2t.eval.metrics import psnr

from ..conftest import photograph


@pytest.fixture(scope="module")
def image():
    return photograph(83, 61)


@pytest.mark.parametrize("name", ANCHORS)
def test_settings_sweep_quality(name, image, tmp_path):
    codec = ANCHORS[name]
    advice = codec.missing()
    if advice is not None:
        pytest.skip(advice)
    image.save(tmp_path / "x.png")
    sizes, fidelity = [], []
    for setting in (codec.settings[len(codec.settings) // 3], codec.settings[-1]):
        encoded, decoded = tmp_path / f"x{codec.suffix}", tmp_path / "y.png"
        codec.encode_file(tmp_path / "x.png", setting, encoded)
        codec.decode_file(encoded, decoded)
        sizes.append(encoded.stat().st_size)
        fidelity.append(psnr(image, codec.decode(encoded.read_bytes())))
        assert decoded.read_bytes().startswith(b"\x89PNG")
    assert sizes[0] < sizes[1]
    assert 12 < fidelity[0] < fidelity[1] < 60
    assert codec.version()


def test_missing_ones_say_how_to_install_them():
    plugin = ("some-package", "no_such_module", "")
    codec = ImageCodec(name="x", label="X", suffix=".x", format="X", settings=(1,), plugin=plugin)
    assert codec.missing() == "pip install some-package"


def test_an_old_library_is_missing_what_it_cannot_be_asked_for():
    codec = AVIF(
        name="x",
        label="X",
        suffix=".avif",
        format="AVIF",
        settings=(1,),
        options={"advanced": {"tune": "of-tomorrow"}},
    )
    assert codec.missing() == "pip install -U pillow: this one's libaom lacks X"


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_at_size_fits_and_grows(name, image):
    codec = CODECS[name]
    last = 0.0
    for num_bytes in (1000, 1500, 2500, 4000, 10**6):
        data = codec.at_size(image, num_bytes)
        assert data is not None
        assert len(data) <= num_bytes
        assert psnr(image, codec.decode(data)) >= last
        last = psnr(image, codec.decode(data))
    assert data == codec.encode(image, codec.highest)
    assert codec.at_size(image, 50) is None
