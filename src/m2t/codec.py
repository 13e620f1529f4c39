"""The codec: images to bytes and bytes to images, with one set of weights. The story starts here.

    compress:    picture ─ choosing.py ─ encoding.py (or aiming.py) ─ streams.py ─ container/
    decompress:  container/ ─ decoding.py ─ streams.py (or salvage.py) ─ views.py ─ image

Both go by the steps of tokens.py: lapped/ between pixels and tokens, coding.py between tokens and
bits.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from PIL import Image

from .choosing import compressed
from .config import Lossless, Tune
from .container import Bitstream, parse, parse_header
from .container.header import MAX_PIXELS, NO_MODEL
from .decoding import Decoding
from .encoder.refine import DEFAULT_EFFORT
from .encoding import Encoding
from .engine.fastest import pictures
from .errors import ModelError, UnknownModel
from .geometry.windows import Latents
from .image import AnyImage, Picture, decode_alpha, to_picture, warn
from .lapped.transforms import LappedTransforms
from .lossless import pixels_of
from .predict.fastest import choose
from .predict.network import IntegerNetwork
from .predict.operations import Operations
from .progress import Progress
from .rans import Counter
from .streams import missing
from .target import Target
from .tokens import TokenCodec
from .views import View
from .weights import Weights, locate, read_weights, shipped
from .weights.file import INTEGER, LAPPED
from .weights.layout import check

Result = TypeVar("Result")


class Codec(TokenCodec):
    """One model, ready to compress and decompress. Safe to share; holds no state between calls."""

    @classmethod
    def load(
        cls, name_or_path: str | os.PathLike[str] | None = None, *, num_threads: int | None = None
    ) -> "Codec":
        """The codec with shipped weights (None: the default ones) or with those of a file.

        It uses all cores, or `num_threads`. Raises UnknownModel, or ModelError for weights that are
        damaged or still floats (m2t.load has codecs for those).
        """
        return cls.of(read_weights(locate(name_or_path)), num_threads)

    @classmethod
    def for_file(cls, data: bytes, *, num_threads: int | None = None) -> "Codec":
        """The codec with the shipped weights that an .m2t file names; UnknownModel, FormatError."""
        return cls.for_model(parse_header(data).model_id, num_threads=num_threads)

    @classmethod
    def for_model(cls, model_id: bytes, *, num_threads: int | None = None) -> "Codec":
        """The codec with the shipped weights of that id; UnknownModel where there are none."""
        if model_id == NO_MODEL:
            return cls.load(num_threads=num_threads)  # any codec reads lossless files
        for path in shipped().values():
            codec = cls.of(read_weights(path), num_threads)
            if codec.identity == model_id:
                return codec
        raise UnknownModel(f"needs model {model_id.hex()}, which is not shipped: name its weights")

    @classmethod
    def of(
        cls, weights: Weights, num_threads: int | None = None, ops: Operations | None = None
    ) -> "Codec":
        """The codec with weights that were exported; ModelError if they were not.

        `ops` compute the entropy network; by default, the fastest ones here.
        """
        if not weights.exported:
            raise ModelError("these weights were not exported to integers")
        check(weights)
        with ThreadPoolExecutor(1) as other:  # a hash takes as long as all the rest
            identity = other.submit(lambda: weights.identity)
            network = IntegerNetwork(weights.config, weights.below(INTEGER), ops or choose())
            transforms = LappedTransforms(weights.config, weights.below(LAPPED), *pictures())
        return cls(transforms, network, identity.result(), num_threads)

    def on_threads(self, num_threads: int) -> "Codec":
        """The same codec with so many threads."""
        return Codec(self.transforms, self.network, self.identity, num_threads)

    def compress(
        self,
        image: AnyImage | Picture,
        quality: int | Target = 50,
        *,
        tune: Tune | None = None,
        effort: int = DEFAULT_EFFORT,
        layers: int = 1,
        lossless: Lossless = "auto",
        progress: Progress | None = None,
    ) -> bytes:
        """An image of any mode and size, or an array (H, W, 3) uint8, as an .m2t file.

        Args:
            quality: 1 (smallest) to 100 (best), or a Target.
            tune: "eye" for what people see, or "psnr" for the least squared error; None: for the
                eye, if the model can.
            effort: 0 (fastest) to 9 (smallest file for its quality): see encoder/refine.py.
            layers: with several, the file's first bytes are a picture (docs/progressive.md).
            lossless: "auto" keeps every pixel where the file is no larger for it, "always" anyway.
            progress: called with the share done so far, 0..1.

        Raises ConfigError where there is no such option or the target cannot be had, ImageError for
        what cannot be held.
        """
        picture = to_picture(image)
        del image  # as large as the picture; the caller may have let go of it
        encoding = Encoding(self, picture, tune or self.config.rate.default_tune, effort, layers)
        return compressed(encoding, quality, lossless, progress)

    def decompress(
        self,
        data: bytes,
        progress: Progress | None = None,
        *,
        region: Sequence[int] | None = None,
        scale: int = 1,
        upto: int | None = None,
        partial: bool = False,
        samples: int = 0,
        max_pixels: int = MAX_PIXELS,
    ) -> Image.Image:
        """The image of an .m2t file, or a part of it, or a small one: L, LA, RGB or RGBA.

        `region` is x, y, width, height of the part, in pixels: it has the pixels of the whole, and
        no more is decoded than they need. With a `scale` of 2, 4 or 8, so many pixels along a side
        become one. `max_pixels` are what a part, or the image, may have before that. `upto` shows
        so many layers, and reads no further; `partial` shows what there is of a file in layers that
        ends too early, and of a damaged file the windows that are intact, with an ImageWarning.
        What is not there yet of layers is shown as the model expects it, or with `samples`, 1 to
        100, as the mean of so many pictures whose tokens the model draws.

        Raises FormatError, or UnknownModel if other weights made the file; ConfigError where there
        is no such part, scale or number.
        """
        stream = parse(data, upto=upto, partial=partial)
        view = View.of(stream.header, self.transforms.halo, region, scale, max_pixels)
        if lack := missing(stream, len(data), upto):
            warn(lack)
        return self.picture(stream, view, progress, samples)

    def picture(
        self,
        stream: Bitstream,
        view: View | None = None,
        progress: Progress | None = None,
        samples: int = 0,
    ) -> Image.Image:
        """The image of a parsed file, or a view of it: see decompress()."""
        return Decoding(self, stream, view, samples).picture(progress)

    def verified(self, data: bytes) -> Latents | None:
        """The tokens (h, w, C) of an .m2t file, when all of it has been checked but the pixels.

        None of a lossless file, pixels checked. Raises FormatError; UnknownModel for other weights.
        """
        stream = parse(data)
        if stream.header.lossless:
            pixels_of(stream)  # and opacity
            return None
        if stream.alpha is not None:
            decode_alpha(stream.alpha, (stream.header.width, stream.header.height))
        return self.decode_latents(stream)

    def estimate(self, data: bytes) -> float:
        """What a file's tokens should take, in bits, by the probabilities that code them."""
        stream = parse(data)
        y_hat, aim = self.decode_latents(stream), stream.header.aim
        return sum(self.code(y_hat.shape[:2], aim, lambda _: Counter(), y_hat).results)
