"""Compressing to a target: one analysis, then trials with the encoder's own steps."""

import math
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .config import Aim, Tune
from .container import parse
from .decoding import Decoding
from .encoder.parts import Part
from .encoder.search import BITS_PER_ACTIVITY, FineDial, Goal, Search, Setting, Tried
from .encoding import Encoding
from .engine.score import psnr, ssimulacra2
from .errors import OutOfReach
from .geometry.regions import slabs
from .geometry.windows import Latents
from .image import grey_of
from .progress import Meter, Progress
from .protocols import Pixels
from .streams import Block
from .target import SIZES, Target
from .views import View

Floats = NDArray[np.float32]

SAMPLE = 1024
"""Tokens whose activity stands for that of all."""
TRIALS, REFINED_SIZE_TRIALS = 5, 3
"""At the default effort, passes of the entropy network are: for a size, one for each of one or two
probes and two for each trial, of which one or two nearly always suffice; for a fidelity, one for
each trial and one for the file, for its probes take none. So six are rarely exceeded."""
PSNR_ZONE_SHARE = 0.5
"""See FineDial: moves for squared error undo about half of a dead zone, those for the eye none."""
GROWTH: dict[Tune, float] = {"eye": 0.005, "psnr": 0.015}
"""By how much moves make files larger, about, in units of a level."""
SHARE = 0.02
"""Of a size that a file may fall short of it."""
BANDS = {"psnr": 0.05, "ssimulacra2": 0.5}
"""By how much a picture may be better than asked for."""
SLOPES = {"psnr": 4.5, "ssimulacra2": 28.0}
"""See Goal.slope: about those of quality 50."""
START = Setting(50)
PIXELS_AT_A_TIME = 1 << 24
"""Of a picture in parts that are painted together."""
LIKELY_TRIALS = 2
"""Of a picture in parts, for progress: the number is not known before."""
FORMATS = {
    "size": "{:,} bytes",
    "bpp": "{:.4f} bpp",
    "psnr": "{:.2f} dB",
    "ssimulacra2": "a SSIMULACRA2 of {:.2f}",
}


class Made(NamedTuple):
    """What came of a trial."""

    aim: Aim
    value: float
    """Its size in bytes, or its fidelity."""
    file: Callable[[], bytes]
    """Gives the file."""


class Aiming:
    """A picture that is compressed to a target.

    A picture of one part is analysed once. Of others, sums and tokens of all parts would take many
    times the room of their pixels, so each trial makes them again, part by part.
    """

    def __init__(self, encoding: Encoding, target: Target) -> None:
        self.encoding, self.target = encoding, target
        self.codec, self.picture = encoding.codec, encoding.picture
        self.height, self.width = self.picture.rgb.shape[:2]
        self.num_tokens = sum(part.block.area for part in encoding.parts)
        self.is_whole = len(encoding.parts) == 1
        self.meter: Meter | None = None

    def compress(self, progress: Progress | None) -> bytes:
        """The file; OutOfReach, with what is nearest, where the target cannot be had."""
        passes, trials = 1 + self.encoding.num_passes, 2 if self.is_whole else 1 + LIKELY_TRIALS
        self.meter = meter = Meter(progress, (1 + trials * passes) * self.encoding.area)
        some = self._sample()
        is_refined, tune = bool(self.encoding.num_passes), self.encoding.tune
        dial = FineDial(
            lambda setting: self._rounded(some, setting),
            PSNR_ZONE_SHARE if is_refined and tune == "psnr" else 1.0,
        )
        is_size = self.target.kind in SIZES
        if is_size:
            goal, most = self._size_goal(), REFINED_SIZE_TRIALS if is_refined else TRIALS
            start = 8 * math.exp(goal.middle) / BITS_PER_ACTIVITY * len(some) / self.num_tokens
        else:
            low = self.target.value
            goal = Goal(low, low + BANDS[self.target.kind], SLOPES[self.target.kind], False)
            most, start = TRIALS, float(dial.activity(START))
        search: Search[Made] = Search(goal, dial, start)
        trial = self._sized if is_size else self._judged
        if is_refined:
            growth = GROWTH[tune] if is_size else 0.0
            search.probe(lambda setting: trial(setting, 0).level + growth)
        fits, made = search.run(lambda s: trial(s, self.encoding.effort), most)
        if not fits:
            self._refuse(made)
        data = made.file()
        meter.finish()
        return data

    def _refuse(self, made: Made) -> None:
        value = made.value
        if self.target.kind == "bpp":
            value *= 8 / (self.height * self.width)
        verb = "smaller than" if self.target.kind in SIZES else "nearer than"
        nearest = FORMATS[self.target.kind].format(value)
        raise OutOfReach(f"cannot be {verb} {nearest} at quality {made.aim.quality}")

    def _sized(self, setting: Setting, effort: int) -> Tried[Made]:
        aim = self._aim(setting)
        data = self.encoding.pack(self._blocks(setting, effort), aim, self.meter)
        return Tried(self._size_level(len(data)), Made(aim, len(data), lambda: data))

    def _judged(self, setting: Setting, effort: int) -> Tried[Made]:
        aim = self._aim(setting)
        blocks, pack = self._blocks(setting, effort), partial(self.encoding.pack, aim=aim)
        if self.is_whole:
            [block] = blocks = list(blocks)
            size = self.height, self.width
            rgb = self.codec.synthesise(block.y_hat, *size, aim, self.meter)
            file = partial(pack, blocks, meter=self.meter)
        else:
            data = pack(blocks, meter=self.meter)
            rgb = self._decoded(data)
            file = partial(bytes, data)
        if self.picture.grey:
            rgb = grey_of(rgb)
        measure = psnr if self.target.kind == "psnr" else ssimulacra2
        value = measure(self.picture.rgb, rgb)
        return Tried(value, Made(aim, value, file))

    def _decoded(self, data: bytes) -> Pixels:
        """The pixels of a file, some at a time: all tokens would take more room than these do."""
        stream, rgb = parse(data), np.empty_like(self.picture.rgb)
        for region in slabs(self.width, self.height, PIXELS_AT_A_TIME):
            view = View.of(stream.header, self.codec.transforms.halo, region)
            found = Decoding(self.codec, stream, view).pixels()
            rgb[region.pixels] = view.shown(found)
        return rgb

    def _blocks(self, setting: Setting, effort: int) -> Iterator[Block]:
        """The tokens of all parts, which are chosen as those of Codec.tokens()."""
        aim = self._aim(setting)
        for part in self.encoding.parts:
            seen, windows = self.picture.part(part.pixels), part.windows_in_context
            y_hat = self._rounded(self._sums(part), setting)
            y_hat = self.codec.refined(seen, y_hat, aim, effort, self.meter, windows)
            yield Block(y_hat[part.inner], part.windows_in_block)

    def _rounded(self, sums: Floats, setting: Setting) -> Latents:
        aim = self._aim(setting)
        return self.codec.transforms.at(aim).rounded(sums, aim, setting.dead_zone)

    def _aim(self, setting: Setting) -> Aim:
        return self.encoding.aim(setting.quality)

    def _sums(self, part: Part) -> Floats:
        """What tokens of the part's context are rounded from, (h, w, C)."""
        return self._sums_of_whole if self.is_whole else self._unrounded(part)

    @cached_property
    def _sums_of_whole(self) -> Floats:
        return self._unrounded(self.encoding.parts[0])

    def _unrounded(self, part: Part) -> Floats:
        assert self.meter is not None
        rgb, codec = self.picture.part(part.pixels).rgb, self.codec
        return codec.transforms.unrounded(rgb, codec.num_threads, self.meter.add)

    def _sample(self) -> Floats:
        """Some places (n, C) of the sums, from all over the picture."""
        step = -(-self.num_tokens // SAMPLE)
        parts = self.encoding.parts
        return np.concatenate([_spread(self._sums(part)[part.inner], step) for part in parts])

    @cached_property
    def _num_bytes_beside(self) -> int:
        """What every file of the picture has before its tokens."""
        return len(self.encoding.head(self._aim(START)).pack_head())

    def _size_goal(self) -> Goal:
        limit = self.target.num_bytes(self.height * self.width)
        low, high = (self._size_level(math.ceil(share * limit)) for share in (1 - SHARE, 1))
        return Goal(low, high, 1.0, True)

    def _size_level(self, num_bytes: int) -> float:
        """What takes tokens counts: twice the activity makes twice of it."""
        return math.log(max(num_bytes - self._num_bytes_beside, 1))


def _spread(sums: Floats, step: int) -> Floats:
    """About every `step`th place (n, C) of (h, w, C), in all columns."""
    _, columns, channels = sums.shape
    while math.gcd(step, columns) > 1:
        step += 1
    return sums.reshape(-1, channels)[::step]
