"""Compressing to a target: one analysis, then trials with the encoder's own steps."""

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .config import Aim, Tune
from .encoder.search import BITS_PER_ACTIVITY, FineDial, Goal, Search, Setting, Tried
from .encoding import Encoding
from .engine.score import psnr, ssimulacra2
from .errors import OutOfReach
from .geometry.windows import Latents
from .image import Picture, from_picture
from .progress import Meter, Progress
from .streams import Block
from .target import SIZES, Target

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
FORMATS = {
    "size": "{:,} bytes",
    "bpp": "{:.4f} bpp",
    "psnr": "{:.2f} dB",
    "ssimulacra2": "a SSIMULACRA2 of {:.2f}",
}


class Aiming:
    """A picture that is compressed to a target."""

    def __init__(self, encoding: Encoding, target: Target) -> None:
        self.encoding, self.target = encoding, target
        self.codec, self.picture = encoding.codec, encoding.picture
        self.height, self.width = self.picture.rgb.shape[:2]
        self.meter: Meter | None = None

    def compress(self, progress: Progress | None) -> bytes:
        """The file; OutOfReach, with what is nearest, where the target cannot be had."""
        passes = 1 + self.encoding.num_passes
        self.meter = meter = Meter(progress, (1 + 2 * passes) * self.encoding.area)
        transforms, threads = self.codec.transforms, self.codec.num_threads
        self.sums = transforms.unrounded(self.picture.rgb, threads, meter.add)
        some = self._sample()
        is_refined, tune = bool(self.encoding.num_passes), self.encoding.tune
        dial = FineDial(
            lambda setting: transforms.rounded(some, self._aim(setting), setting.dead_zone),
            PSNR_ZONE_SHARE if is_refined and tune == "psnr" else 1.0,
        )
        is_size = self.target.kind in SIZES
        if is_size:
            goal, most = self._size_goal(), REFINED_SIZE_TRIALS if is_refined else TRIALS
            num_tokens = self.sums.shape[0] * self.sums.shape[1]
            start = 8 * math.exp(goal.middle) / BITS_PER_ACTIVITY * len(some) / num_tokens
        else:
            low = self.target.value
            goal = Goal(low, low + BANDS[self.target.kind], SLOPES[self.target.kind], False)
            most, start = TRIALS, float(dial.activity(START))
        search: Search[tuple[Latents, Aim, bytes | None, float]] = Search(goal, dial, start)
        trial = self._sized if is_size else self._judged
        if is_refined:
            growth = GROWTH[tune] if is_size else 0.0
            search.probe(lambda setting: trial(setting, 0).level + growth)
        fits, (y_hat, aim, data, value) = search.run(lambda s: trial(s, self.encoding.effort), most)
        if not fits:
            self._refuse(value, aim)
        data = self._packed(y_hat, aim) if data is None else data
        meter.finish()
        return data

    def _refuse(self, value: float, aim: Aim) -> None:
        if self.target.kind == "bpp":
            value *= 8 / (self.height * self.width)
        verb = "smaller than" if self.target.kind in SIZES else "nearer than"
        nearest = FORMATS[self.target.kind].format(value)
        raise OutOfReach(f"cannot be {verb} {nearest} at quality {aim.quality}")

    def _sized(self, setting: Setting, effort: int) -> Tried:
        y_hat, aim = self._tokens(setting, effort), self._aim(setting)
        data = self._packed(y_hat, aim)
        return Tried(self._size_level(len(data)), (y_hat, aim, data, len(data)))

    def _judged(self, setting: Setting, effort: int) -> Tried:
        y_hat, aim = self._tokens(setting, effort), self._aim(setting)
        rgb = self.codec.synthesise(y_hat, self.height, self.width, aim, self.meter)
        if self.picture.grey:
            rgb = np.asarray(from_picture(Picture(rgb, grey=True)).convert("RGB"))
        measure = psnr if self.target.kind == "psnr" else ssimulacra2
        value = measure(self.picture.rgb, rgb)
        return Tried(value, (y_hat, aim, None, value))

    def _tokens(self, setting: Setting, effort: int) -> Latents:
        aim = self._aim(setting)
        y_hat = self.codec.transforms.rounded(self.sums, aim, setting.dead_zone)
        return self.codec.refined(self.picture, y_hat, aim, effort, self.meter)

    def _packed(self, y_hat: Latents, aim: Aim) -> bytes:
        block = Block(y_hat, self.codec.windows(y_hat.shape[:2]))
        return self.encoding.pack([block], aim, self.meter)

    def _aim(self, setting: Setting) -> Aim:
        return self.encoding.aim(setting.quality)

    def _sample(self) -> NDArray[np.float32]:
        """Some places (n, C) of the sums, from all over the picture."""
        rows, columns, channels = self.sums.shape
        step = -(-rows * columns // SAMPLE)
        while math.gcd(step, columns) > 1:
            step += 1
        return np.ascontiguousarray(self.sums.reshape(-1, channels)[::step])

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
