"""Pictures to tokens, tokens through the entropy coder, and back: what one model computes.

Encoding, aiming and decoding (their own files) are told in these steps; codec.py tells the whole.
"""

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .coding import WINDOWS_PER_BATCH, Coded, code_latents
from .config import Aim
from .container import Bitstream
from .encoder.parts import Part, assembled, parts_of
from .encoder.refine import DEFAULT_EFFORT, refine
from .engine.threads import num_cores
from .geometry.windows import Latents, Window, cut, latent_size
from .headers import check_model
from .image import Picture
from .predict.predictor import Network
from .progress import Meter, added
from .protocols import Pixels, Slopes, Transforms
from .rans import Coder
from .salvage import tokens_of

Result = TypeVar("Result")


class TokenCodec:
    """Transforms and entropy model of one set of weights. Safe to share; holds no state."""

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
        return self.transforms.at(aim).analyse(picture.rgb, aim, self.num_threads, added(meter))

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
        windows, transforms = windows or self.windows(y_hat.shape[:2]), self.transforms.at(aim)
        # Where all mixtures are found at once, so are slopes: fewer threads wait for each other.
        together = self.num_threads > 1 and len(windows) <= WINDOWS_PER_BATCH
        half = self.num_threads // 2 if together else self.num_threads
        rest = self.num_threads - half if together else self.num_threads

        def slopes(y: Latents, linear: bool) -> tuple[Slopes, NDArray[np.float32]]:
            return transforms.slopes(picture.rgb, y, aim, linear, half, added(meter))

        def move(y: Latents, open_mover: Callable[[int], Coder[Latents]]) -> list[Latents]:
            some = (y, meter, windows)
            return self.code(y.shape[:2], aim, open_mover, *some, num_threads=rest).results

        some = (transforms.step_errors, slopes, move, windows, together)
        return refine(self.config.at(aim), y_hat, aim, effort, *some)

    def synthesise(
        self, y_hat: Latents, height: int, width: int, aim: Aim, meter: Meter | None = None
    ) -> Pixels:
        """Pixels (height, width, 3) of token integers (h, w, C)."""
        some = (height, width, aim, self.num_threads, added(meter))
        return self.transforms.at(aim).synthesise(y_hat, *some)

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
        num_slices = len(self.config.at(header.aim).slices)
        return tokens_of(code, stream, windows, part, num_slices, sample)

    def code(
        self,
        size: Sequence[int],
        aim: Aim,
        open_coder: Callable[[int], Coder[Result]],
        y_hat: Latents | None = None,
        meter: Meter | None = None,
        windows: Sequence[Window] | None = None,
        num_steps: int | None = None,
        num_threads: int | None = None,
    ) -> Coded[Result]:
        """Entropy coding of all windows, or of some, on several threads: see code_latents()."""
        some = (y_hat, added(meter), num_threads or self.num_threads, windows, num_steps)
        return code_latents(self.network, size, aim, open_coder, *some)
