"""Small sound files of a tiny model, of every layout that the format has."""

from pathlib import Path

from PIL import Image, ImageDraw

from m2t.checksums import latents_crc
from m2t.codec import Codec
from m2t.container import Bitstream, Strip, parse

ROOT = Path(__file__).parents[2]
WEIGHTS, PHOTO = ROOT / "tests" / "tiny.safetensors", ROOT / "examples" / "photo.png"


def sound_files(codec: Codec) -> dict[str, bytes]:
    """A file of each layout."""
    with Image.open(PHOTO) as photo:
        image = photo.convert("RGB").resize((150, 100))
    rest = image.resize((60, 40)).convert("RGBA")
    rest.putalpha(Image.linear_gradient("L").resize(rest.size))
    profile = (63).to_bytes(4, "big") + b"profile" * 4 + bytes(4) + b"acsp" + b"profile" * 3 + b"s "
    rest.info = {"icc_profile": profile, "comment": b"words"}
    drawing = Image.new("RGB", (90, 70), "white")
    ImageDraw.Draw(drawing).text((5, 5), "without loss", "navy", font_size=14)
    return {
        "a strip": codec.compress(image, 40),
        "layers": codec.compress(image, 40, layers=3),
        "alpha and metadata": codec.compress(rest, 40),
        "strips": in_strips(codec, codec.compress(image, 40)),
        "without loss": codec.compress(drawing, 40, lossless="always"),
    }


def in_strips(codec: Codec, data: bytes) -> bytes:
    """A file with a strip for every window."""
    stream = parse(data)
    tokens = codec.decode_latents(stream)
    windows = codec.windows(tokens.shape[:2])
    strips = [
        Strip([part], latents_crc(tokens, [window]))
        for part, window in zip(stream.windows, windows, strict=True)
    ]
    return Bitstream(stream.header, strips, stream.metadata, stream.alpha).pack()
