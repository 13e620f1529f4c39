"""A file to a picture: its tokens, as far as they are there, and what they paint; or its tiles."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .container import Bitstream
from .geometry.windows import latent_size, which
from .image import Picture, decode_alpha, from_picture
from .lossless import pixels_of
from .options import check, whole
from .progress import Meter, Progress, added
from .tokens import TokenCodec
from .views import View

MAX_SAMPLES = 100
"""Their pixels are summed in 16 bits."""


class Decoding:
    """A parsed file, and what of it is shown."""

    def __init__(
        self, codec: TokenCodec, stream: Bitstream, view: View | None = None, samples: int = 0
    ) -> None:
        """Raises ConfigError where there is no such number of samples."""
        in_range = 0 <= whole("samples", samples) <= MAX_SAMPLES
        check(in_range, f"samples must be in 0..{MAX_SAMPLES}, not {samples}")
        self.codec, self.stream = codec, stream
        self.view = view or View.of(stream.header, codec.transforms.halo)
        self.samples = samples if stream.incomplete else 0
        """How many pictures are averaged; 0: there is one, of what is known and expected."""

    def picture(self, progress: Progress | None = None) -> Image.Image:
        """The image."""
        stream, header, view, alpha = self.stream, self.stream.header, self.view, None
        if stream.alpha is not None:
            alpha = decode_alpha(stream.alpha, (header.width, header.height))
        if header.lossless:
            rgb = pixels_of(stream, view, progress, alpha)
        else:
            rgb = view.shown(self.pixels(progress))
        if alpha is not None:
            alpha = view.plane(alpha)
        return from_picture(Picture(rgb, alpha, header.grey, stream.metadata))

    def pixels(self, progress: Progress | None = None) -> NDArray[np.uint8]:
        """What the tokens of the view paint: (H, W, 3)."""
        size = latent_size(self.stream.header.height, self.stream.header.width)
        windows = which(self.codec.windows(size), self.view.tokens)[1]
        num_tokens = self.view.tokens.area + sum(window.area for window in windows)
        meter = Meter(progress, max(1, self.samples) * num_tokens)
        if not self.samples:
            return self._painted(meter)
        total = self._painted(meter, 0).astype(np.uint16)
        for sample in range(1, self.samples):
            total += self._painted(meter, sample)
        total += self.samples // 2
        return (total // self.samples).astype(np.uint8)

    def _painted(self, meter: Meter, sample: int | None = None) -> NDArray[np.uint8]:
        """One picture: with the tokens that are expected, or of a sample."""
        codec, view, aim = self.codec, self.view, self.stream.header.aim
        y_hat = codec.decode_latents(self.stream, meter, view.tokens, sample)
        if view.scale == 1:
            return codec.synthesise(y_hat, view.height, view.width, aim, meter)
        size, threads, done = (view.height, view.width), codec.num_threads, added(meter)
        return codec.transforms.at(aim).preview(y_hat, *size, view.scale, aim, threads, done)
