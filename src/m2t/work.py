"""What is done with one file's bytes, by options that can be pickled, and the codecs that do it.

Nothing heavy is imported before it is loaded: the command line's help comes from here, too.
"""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import m2t

from .config import TUNES, Lossless, Tune
from .container import parse, parse_header
from .container.header import LAYERS, MAX_PIXELS, check_pixels
from .progress import Progress
from .target import Target

if TYPE_CHECKING:
    from .codec import Codec


class Made(NamedTuple):
    """What came of a file's bytes."""

    result: bytes
    """To be written; none where a file is only verified."""
    encoded: bytes
    """The .m2t file, among what was read and what is written."""
    latents_sha256: str | None = None
    """Of its tokens, where they were verified; None of a lossless file."""


@dataclass(frozen=True)
class Outcome:
    """What came of a file, in whichever process."""

    row: dict[str, Any]
    """What there is to tell: docs/json.md."""
    result: bytes | None = None
    """The bytes to write; None where it failed, or need not be made."""
    error: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """How files are to be made, as far as it changes what is in them."""

    options: Mapping[str, Any]
    """What only a ledger can tell later, ready for JSON."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of what an .m2t file tells of itself, that which must be so; a file need not tell it all."""
    keep: tuple[str, ...] | None = None
    """Names of the metadata that an .m2t file may have; None: any."""


Work = Callable[[BytesIO, Progress | None], Made]
"""What makes something of a source, which it may close."""
Load = Callable[[int | None], Work]
"""What loads all that the work needs, for so many threads; can be pickled for several processes."""


@dataclass(frozen=True)
class Compression:
    """How pictures are compressed."""

    quality: int | Target = 50
    tune: Tune | None = None
    effort: int = 1
    layers: int = 1
    lossless: Lossless = "auto"
    max_pixels: int = MAX_PIXELS
    model: str | None = None
    verify: bool = True
    """Decode what was made."""
    keep: tuple[str, ...] | None = None
    """Names of metadata to keep; None: all."""

    def wanted(self, compared: bool) -> Wanted:
        """How files are made. The model is loaded only if files are `compared` with it."""
        facts: dict[str, Any] = {"tune": self.tune or TUNES[-1], "layers": self.layers}
        if self.lossless != "auto":
            facts["lossless"] = self.lossless == "always"
        target = None
        if isinstance(self.quality, Target):
            target = {self.quality.kind: self.quality.value}
        else:
            facts["quality"] = self.quality
        if compared and self.model is not None:
            codec = load_codec(self.model, None)
            facts["model"] = codec.identity.hex()
            facts["tune"] = self.tune or codec.config.rate.default_tune
        keep = None if self.keep is None else list(self.keep)
        if self.lossless == "always":
            facts = {"lossless": True}
        options = {"effort": self.effort, "keep": keep, "model": self.model, "target": target}
        return Wanted(options, facts, self.keep)

    def load(self, num_threads: int | None) -> Work:
        """See Load."""
        from .image import open_image, pillow_limit, to_picture

        codec = load_codec(self.model, num_threads)

        def work(file: BytesIO, progress: Progress | None) -> Made:
            with file, pillow_limit(self.max_pixels):  # then the pixels are enough to hold
                picture = to_picture(open_image(file, self.max_pixels))
            return self.made(codec, picture, self.quality, self.tune, progress)

        return work

    def made(
        self,
        codec: "Codec",
        image: Any,
        quality: int | Target,
        tune: Tune | None,
        progress: Progress | None,
    ) -> Made:
        """What a codec makes of an image."""
        choices: dict[str, Any] = {"tune": tune, "effort": self.effort}
        choices |= {"layers": self.layers, "lossless": self.lossless}
        encoded = codec.compress(image, quality, progress=progress, **choices)
        return self.finished(codec, encoded)

    def finished(self, codec: "Codec", encoded: bytes) -> Made:
        """An .m2t file without the metadata that is not kept, verified if it is to be."""
        if self.keep is not None:
            encoded = stripped(encoded, self.keep)
        return Made(encoded, encoded, hashed(codec, encoded) if self.verify else None)


@dataclass(frozen=True)
class Decompression:
    """How .m2t files are decompressed."""

    suffix: str
    """Of the picture."""
    model: str | None
    view: dict[str, Any]
    """What of each picture: see Codec.decompress."""

    def load(self, num_threads: int | None) -> Work:
        """See Load."""
        from .image import output_format, save_image

        output_format(self.suffix)
        codecs = Codecs(self.model, num_threads)

        def work(file: BytesIO, progress: Progress | None) -> Made:
            data = file.read()
            image = codecs.of(data).decompress(data, progress, **self.view)
            buffer = BytesIO()
            save_image(image, buffer, self.suffix)
            return Made(buffer.getvalue(), data)

        return work


@dataclass(frozen=True)
class Verification:
    """How .m2t files are verified."""

    model: str | None
    max_pixels: int

    def load(self, num_threads: int | None) -> Work:
        """See Load."""
        codecs = Codecs(self.model, num_threads)

        def work(file: BytesIO, progress: Progress | None) -> Made:
            data = file.read()
            header = parse_header(data)
            check_pixels(header.width, header.height, self.max_pixels)
            return Made(b"", data, hashed(codecs.of(data), data))

        return work


def load_codec(model: str | None, num_threads: int | None) -> "Codec":
    """The codec with the weights that were named, or else those of the package.

    Raises ModelError.
    """
    codec = m2t.load(model, num_threads=num_threads)
    torch = sys.modules.get("torch")
    if torch is not None and num_threads is not None:  # the weights are floats
        torch.set_num_threads(num_threads)
    return codec


class Codecs:
    """Codecs with the weights that were named, or else those that .m2t files name: each once."""

    def __init__(self, model: str | None, num_threads: int | None) -> None:
        """Raises ModelError where the weights that were named cannot be had."""
        self.num_threads = num_threads
        self.named = None if model is None else load_codec(model, num_threads)
        self.by_id: dict[bytes, Codec] = {}

    def of(self, data: bytes) -> "Codec":
        """The codec for the bytes of a file. Raises FormatError or ModelError."""
        if self.named is not None:
            return self.named
        from .codec import Codec

        model_id = parse_header(data).model_id
        if model_id not in self.by_id:
            self.by_id[model_id] = Codec.for_file(data, num_threads=self.num_threads)
        return self.by_id[model_id]


def hashed(codec: "Codec", data: bytes) -> str | None:
    """SHA-256 of an .m2t file's tokens, when all of it has been checked but the pixels.

    None of a lossless file, pixels checked.
    """
    from .checksums import latents_sha256

    y_hat = codec.verified(data)
    return None if y_hat is None else latents_sha256(y_hat)


def stripped(encoded: bytes, keep: tuple[str, ...]) -> bytes:
    """An .m2t file with no other metadata than those named."""
    stream = parse(encoded)
    metadata = {name: value for name, value in stream.metadata.items() if name in keep}
    return replace(stream, metadata=metadata).pack()


def facts(encoded: bytes) -> dict[str, Any]:
    """What is told of an .m2t file: docs/json.md."""
    header = parse_header(encoded)
    return {
        "width": header.width,
        "height": header.height,
        "bytes": len(encoded),
        "bpp": 8 * len(encoded) / (header.width * header.height),
        **header.aim._asdict(),
        "lossless": header.lossless,
        "model": header.model,
    }


def num_layers(encoded: bytes) -> int | None:
    """Of an .m2t file; None of a lossless one, which has no tokens to be in layers."""
    header = parse_header(encoded)
    if header.lossless:
        return None
    return len(parse(encoded, upto=1).steps) if header.version == LAYERS else 1


@contextmanager
def told_warnings(tell: Callable[[str], object]) -> Iterator[None]:
    """Tell our own warnings, and no other library's."""
    from .image import ImageWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ImageWarning)
        warnings.showwarning = lambda message, *_, **__: tell(str(message))
        yield
