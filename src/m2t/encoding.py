"""A picture to a file: its tokens, one part after the other, packed in a strip or in layers."""

from collections.abc import Iterable
from functools import partial

from .config import QUALITIES, Aim, Tune
from .container import Bitstream, Header
from .container.header import LAYERS, STRIPS
from .container.layers import bundled
from .encoder.parts import parts_of
from .encoder.refine import passes_of
from .geometry.windows import latent_size
from .headers import header_of
from .image import Picture
from .options import whole
from .progress import Meter, Progress
from .streams import Block, layers_of, strip_of
from .tokens import TokenCodec


class Encoding:
    """A picture and how its file is made, at whatever quality."""

    def __init__(
        self, codec: TokenCodec, picture: Picture, tune: Tune, effort: int, layers: int
    ) -> None:
        """Raises ConfigError where there is no such option, ImageError for what cannot be held."""
        self.codec, self.picture = codec, picture
        self.tune: Tune = tune
        self.effort = whole("effort", effort)
        self.steps = bundled(codec.config.schedule.steps, whole("layers", layers))
        """How many steps each layer brings."""
        self.num_passes = len(passes_of(codec.config, effort))
        """That move tokens."""
        self._header(self.aim(QUALITIES[0]))
        self.parts = parts_of(codec.config, *latent_size(*picture.rgb.shape[:2]))
        self.area = sum(part.context.area + part.block.area for part in self.parts)
        """Tokens of a pass, of the transform and of the coder together."""

    def aim(self, quality: int) -> Aim:
        """What it is coded for; ConfigError where the model cannot."""
        aim = Aim(quality, self.tune)
        self.codec.config.rate.check(aim)
        return aim

    def head(self, aim: Aim) -> Bitstream:
        """The file without its tokens."""
        picture = self.picture
        return Bitstream(self._header(aim), [], picture.metadata, picture.packed_alpha)

    def compress(self, quality: int, progress: Progress | None) -> bytes:
        """The file of that quality."""
        aim, meter = self.aim(quality), Meter(progress, (1 + self.num_passes) * self.area)
        tokens = partial(self.codec.tokens, self.picture, aim, self.effort, meter)
        return self.pack((Block(tokens(p), p.windows_in_block) for p in self.parts), aim, meter)

    def pack(self, blocks: Iterable[Block], aim: Aim, meter: Meter | None = None) -> bytes:
        """The file of tokens, which are asked for block by block."""
        codec, stream = self.codec, self.head(aim)
        code = partial(codec.code, aim=aim, meter=meter)
        if len(self.steps) == 1:
            stream.strips = [strip_of(code, blocks)]
        else:
            stream.layers = layers_of(code, blocks, self.steps, len(codec.config.at(aim).slices))
            stream.steps = self.steps
        return stream.pack()

    def _header(self, aim: Aim) -> Header:
        version = STRIPS if len(self.steps) == 1 else LAYERS
        return header_of(self.codec.config, self.codec.identity, self.picture, aim, version)
