"""The codec: images to bytes and bytes to images, with one set of weights.

What happens in between is in lapped/ (transforms), predict/ and coding.py (entropy coding); this
file connects them to Pillow's images and to the container.
"""

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .choosing import compressed
from .coding import Coded, code_latents
from .config import Aim, Lossless, Tune
from .container import Bitstream, parse, parse_header
from .container.header import MAX_PIXELS, NO_MODEL
from .decoding import Decoding
from .encoder.parts import Part, assembled, parts_of
from .encoder.refine import DEFAULT_EFFORT, refine
from .encoding import Encoding
from .engine.fastest import pictures
from .engine.threads import num_cores
from .errors import ModelError, UnknownModel
from .geometry.windows import Latents, Window, cut, latent_size
from .headers import check_model
from .image import AnyImage, Picture, decode_alpha, to_picture, warn
from .lapped.transforms import LappedTransforms
from .lossless import pixels_of
from .predict.fastest import choose
from .predict.network import IntegerNetwork
from .predict.operations import Operations
from .predict.predictor import Network
from .progress import Meter, Progress, added
from .protocols import Pixels, Slopes, Transforms
from .rans import Coder, Counter
from .salvage import tokens_of
from .streams import missing
from .target import Target
from .views import View
from .weights import Weights, locate, read_weights, shipped
from .weights.file import INTEGER, LAPPED
from .weights.layout import check

Result = TypeVar("Result")


class Codec:
    """One model, ready to compress and decompress. Safe to share; holds no state between calls."""

    def __init__(
        self,
        transforms: Transforms,
        network: Network,
        identity: bytes,
        num_threads: int | None = None,
    ) -> None:
        self.transforms, self.network = transforms, network
        self.config = network.config
        self.identity = identity
        """The model id that files carry."""
        self.num_threads = num_cores() if num_threads is None else num_threads
        """Of transforms and coder."""

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

    def windows(self, size: Sequence[int]) -> list[Window]:
        """The windows of (h, w) tokens, in the order of the file."""
        return cut(size[0], size[1], self.config.entropy.window)

    def tokens(
        self,
        picture: Picture,
        aim: Aim,
        effort: int = DEFAULT_EFFORT,
        meter: Meter | None = None,
        part: Part | None = None,
    ) -> Latents:
        """Token integers (h, w, C) of a picture or of a part of it: analysed, then refined."""
        if part is None:
            parts = parts_of(self.config, *latent_size(*picture.rgb.shape[:2]))
            return assembled(parts, [self.tokens(picture, aim, effort, meter, p) for p in parts])
        seen = picture.part(part.pixels)
        y_hat = self.analyse(seen, aim, meter)
        return self.refined(seen, y_hat, aim, effort, meter, part.windows_in_context)[part.inner]

    def analyse(self, picture: Picture, aim: Aim, meter: Meter | None = None) -> Latents:
        """The nearest integers (h, w, C) to the latents of a picture."""
        return self.transforms.analyse(picture.rgb, aim, self.num_threads, added(meter))

    def refined(
        self,
        picture: Picture,
        y_hat: Latents,
        aim: Aim,
        effort: int = DEFAULT_EFFORT,
        meter: Meter | None = None,
        windows: Sequence[Window] | None = None,
    ) -> Latents:
        """Tokens of a picture, moved to where error and rate are lower together: encoder/.

        Those outside of the windows stay.
        """
        windows = windows or self.windows(y_hat.shape[:2])

        def slopes(y: Latents, linear: bool) -> tuple[Slopes, NDArray[np.float32]]:
            done = added(meter)
            return self.transforms.slopes(picture.rgb, y, aim, linear, self.num_threads, done)

        def move(y: Latents, open_mover: Callable[[int], Coder[Latents]]) -> list[Latents]:
            return self.code(y.shape[:2], aim, open_mover, y, meter, windows).results

        errors = self.transforms.step_errors
        return refine(self.config, y_hat, aim, effort, errors, slopes, move, windows)

    def synthesise(
        self, y_hat: Latents, height: int, width: int, aim: Aim, meter: Meter | None = None
    ) -> Pixels:
        """Pixels (height, width, 3) of token integers (h, w, C)."""
        return self.transforms.synthesise(y_hat, height, width, aim, self.num_threads, added(meter))

    def decode_latents(
        self,
        stream: Bitstream,
        meter: Meter | None = None,
        part: Window | None = None,
        sample: int | None = None,
    ) -> Latents:
        """Token integers (h, w, C) of a parsed file, checked; those not there yet, as expected.

        With the number of a `sample`, from 0 on, they are drawn instead. Those of a `part` are not
        checked: checksums are of whole strips and layers.
        """
        header = stream.header
        size = latent_size(header.height, header.width)
        windows = self.windows(size)
        check_model(stream, self.config, self.identity, len(windows))
        part = part or Window(0, 0, *size)
        code = functools.partial(self.code, aim=header.aim, meter=meter)
        return tokens_of(code, stream, windows, part, len(self.config.slices), sample)

    def code(
        self,
        size: Sequence[int],
        aim: Aim,
        open_coder: Callable[[int], Coder[Result]],
        y_hat: Latents | None = None,
        meter: Meter | None = None,
        windows: Sequence[Window] | None = None,
        num_steps: int | None = None,
    ) -> Coded[Result]:
        """Entropy coding of all windows, or of some, on several threads: see code_latents()."""
        some = (y_hat, added(meter), self.num_threads, windows, num_steps)
        return code_latents(self.network, size, aim, open_coder, *some)
