"""m2t for Pillow, and for all that opens pictures by Pillow.

    import m2t.pillow

    m2t.pillow.register()
    Image.open("photo.m2t").save("photo.png")
    image.save("photo.m2t", quality=50, effort=1)

An image that is opened tells its size, mode and metadata from the first bytes of its file; tokens
are decoded when pixels are asked for. Image.draft() and Image.thumbnail() have fewer painted. Where
Pillow's ImageFile.LOAD_TRUNCATED_IMAGES is set, a file that ends too early or whose tokens are
damaged is shown as far as it is intact.
"""

import io
from functools import lru_cache
from typing import IO, Any

from PIL import Image, ImageFile

from .codec import Codec
from .container import parse_header, read_head
from .container.header import SIGNATURE, SUFFIX
from .container.layers import DEFAULT_LAYERS
from .errors import M2TError
from .image.metadata import attach
from .views import SCALES

FORMAT = "M2T"
MIME = "image/x-m2t"


class M2TImageFile(ImageFile.ImageFile):
    """A picture in an .m2t file. Damaged files raise OSError, as Pillow's own formats do."""

    format = FORMAT
    format_description = "Masking Transformers Twice"

    def _open(self) -> None:
        assert self.fp is not None  # Pillow opens it
        try:
            head = read_head(self.fp)
        except M2TError as error:
            raise OSError(str(error)) from error
        header = head.header
        self._size = header.width, header.height
        self._mode = ("L" if header.grey else "RGB") + ("A" if head.alpha is not None else "")
        attach(self, head.metadata)
        self.info |= {**header.aim._asdict(), "lossless": header.lossless}
        self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, self.mode)]

    _scale = 1

    def draft(
        self, mode: str | None, size: tuple[int, int] | None
    ) -> tuple[str, tuple[int, int, float, float]] | None:
        """Paint a half, a quarter or an eighth of each side, no less than `size`: see JPEG's."""
        if not self.tile or size is None or self._scale > 1:
            return None
        width, height = self.size
        fitting = min(width // max(1, size[0]), height // max(1, size[1]))
        self._scale = max((scale for scale in SCALES if scale <= fitting), default=1)
        self._size = -(-width // self._scale), -(-height // self._scale)
        self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, self.mode)]
        return self.mode, (0, 0, width / self._scale, height / self._scale)

    def load(self) -> Any:
        """The pixels, decoded at the first call."""
        if self.tile and self.fp is not None:
            self.fp.seek(0)
            data = self.fp.read()
            try:
                codec, some = _codec(parse_header(data).model_id), ImageFile.LOAD_TRUNCATED_IMAGES
                pixels = codec.decompress(data, scale=self._scale, partial=some).tobytes()
            except M2TError as error:
                raise OSError(str(error)) from error
            if self._exclusive_fp:
                self.fp.close()
            self.fp = io.BytesIO(pixels)
        return super().load()

    def load_seek(self, pos: int) -> None:
        """Pixels are read from their start."""


@lru_cache(2)
def _codec(model_id: bytes | None) -> Codec:
    """That of a file's model, or the default one. Codecs hold no state: it is safe to keep them."""
    return Codec.load() if model_id is None else Codec.for_model(model_id)


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURE)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """`quality`, `tune`, `effort`, `layers` as in m2t.compress, `progressive` for some layers;
    `lossless` as there, or True or False; `icc_profile`, `exif`, `xmp`, `dpi`, `comment` in place
    of those of the image."""
    options = getattr(image, "encoderinfo", {})
    names = ("quality", "tune", "effort", "layers", "lossless")
    given = {key: options[key] for key in names if key in options}
    if isinstance(options.get("lossless"), bool):  # as for WebP
        given["lossless"] = "always" if options["lossless"] else "never"
    if options.get("progressive"):
        given.setdefault("layers", DEFAULT_LAYERS)
    keys = ("icc_profile", "exif", "xmp", "dpi", "comment")
    others = {key: options[key] for key in keys if key in options}
    if isinstance(others.get("exif"), Image.Exif):
        others["exif"] = others["exif"].tobytes()
    if others:
        image = image.copy()
        image.info |= others
    try:
        file.write(_codec(None).compress(image, **given))
    except M2TError as error:
        raise OSError(str(error)) from error


def register() -> None:
    """Tell Pillow of .m2t files. To call it again changes nothing."""
    Image.register_open(FORMAT, M2TImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, SUFFIX)
    Image.register_mime(FORMAT, MIME)
