"""What a model is: frozen dataclasses, checked when built, stored as JSON with the weights.

The defaults are the paper's (M2T, ICCV 2023); presets.py holds the named variants.
"""

import itertools
import json
import math
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .errors import ConfigError
from .options import LATER, build, check, plain

STRIDE = 16  # pixels per token side: one token stands for 16x16 pixels
QUALITIES = range(1, 101)
WIDEST, DEEPEST = 4096, 64
"""Limits of a network's sizes: a file of weights cannot ask for more."""
LMBDAS = (1e-9, 1e9)
Tune = Literal["psnr", "eye"]
"""What a picture is coded for: least squared error, or looking right."""
TUNES: tuple[Tune, ...] = typing.get_args(Tune)
"""By their number in files; append only."""
Lossless = Literal["never", "auto", "always"]
"""Whether a file has a picture's very pixels; auto: where it is no larger for it."""
LOSSLESS_CHOICES: tuple[Lossless, ...] = typing.get_args(Lossless)


@dataclass(frozen=True)
class TransformConfig:
    """Analysis (x -> y) and synthesis (y_hat -> x_hat) transforms."""

    kind: Literal["elic", "lapped"] = "elic"
    latent_channels: int = 192
    """C, integers per token."""
    width: int = 256
    """N, channels inside the transforms."""
    blocks: int = 3
    """Residual blocks: per stage (elic), or at 1/16 resolution each way (lapped)."""
    render_width: int = 0
    """Channels of the pointwise renderer at 1/4 resolution (lapped only)."""
    fine_blocks: int = field(default=0, metadata=LATER)
    """Further residual blocks at 1/8 resolution, half as wide, each way (lapped only)."""
    linear_analysis: bool = field(default=False, metadata=LATER)
    """No residual network beside the linear transform in the analysis (lapped only)."""

    @property
    def analysis_halo(self) -> int:
        """How many tokens around its own place the analysis looks at, rounded up."""
        return self.gradient_halo if self.linear_analysis else self.synthesis_halo

    @property
    def gradient_halo(self) -> int:
        """The same of the gradient of what is painted: through the linear part, if there is one."""
        return self._elic_halo if self.kind == "elic" else 1  # kernels overlap by half a token

    @property
    def synthesis_halo(self) -> int:
        """How many tokens around its own place the synthesis looks at, rounded up."""
        if self.kind == "elic":
            return self._elic_halo
        # A block looks two places far; the last 3x3 is at 1/4 resolution, the analysis has none.
        return 2 * self.blocks + self.fine_blocks + 1

    @property
    def _elic_halo(self) -> int:
        # In tokens: attention 3, and at 1/8, 1/4, 1/2 resolution less.
        return 6 + self.blocks + (self.blocks + 1) // 2

    def __post_init__(self) -> None:
        check(1 <= self.latent_channels <= WIDEST, f"latent_channels must be in 1..{WIDEST}")
        check(
            2 <= self.width <= WIDEST and self.width % 2 == 0,
            f"transform width must be even, in 2..{WIDEST}",
        )
        check(0 <= self.blocks <= DEEPEST, f"blocks must be in 0..{DEEPEST}")
        check(self.fine_blocks <= DEEPEST, f"fine_blocks must be in 0..{DEEPEST}")
        check(self.render_width <= WIDEST, f"render_width must be at most {WIDEST}")
        check(
            (self.render_width > 0) == (self.kind == "lapped"),
            "render_width belongs to lapped transforms",
        )
        check(
            self.fine_blocks == 0 or (self.fine_blocks > 0 and self.kind == "lapped"),
            "fine_blocks belong to lapped transforms",
        )
        check(
            not self.linear_analysis or self.kind == "lapped",
            "linear_analysis belongs to lapped transforms",
        )


@dataclass(frozen=True)
class ScheduleConfig:
    """In which order, and in how many steps, the tokens of a window are coded (paper 3.4)."""

    order: Literal["qlds", "random", "raster", "entropy"] = "qlds"
    """`entropy` adapts to the image as MaskGIT does and needs masking "mt"."""
    steps: int = 12
    """S. One step is fully parallel; as many as tokens is fully autoregressive."""
    alpha: float = 2.2
    """Exponent of the power law of the group sizes."""
    seed: int = 0
    """Of the random order."""

    def __post_init__(self) -> None:
        check(1 <= self.steps <= 65535, "steps must be in 1..65535")
        check(0.1 <= self.alpha <= 25.5, "alpha must be in 0.1..25.5")
        tenths = self.alpha * 10
        check(abs(tenths - round(tenths)) < 1e-6, "alpha must be a multiple of 0.1")
        check(0 <= self.seed <= 255, "seed must be in 0..255")


@dataclass(frozen=True)
class EntropyConfig:
    """The masked transformer that predicts the tokens."""

    masking: Literal["mt", "m2t"] = "m2t"
    """mt: input masked, a full pass per step. m2t: attention masked too, one pass in all."""
    window: int = 24
    """Largest side of a window, in tokens."""
    width: int = 768
    layers: int = 12
    heads: int = 12
    mlp_width: int = 3072
    style: Literal["gelu", "relu"] = "gelu"
    """gelu: LayerNorm and GELU, as in the paper. relu: RMSNorm and ReLU, made to become integer."""
    delta: float = 5.0
    """Tokens enter divided by this (paper 3.3); 0 means sign(y) log(1 + |y|) instead."""
    neighbours: bool = False
    """Each slot also sees those of the eight neighbours of its target that are known already."""
    source_positions: bool = False
    """Each slot also knows where the token that it carries lies, not only its target."""
    head: Literal["factorised", "sliced"] = "factorised"
    slices: tuple[int, ...] = ()
    """Channels per slice of the sliced head; each slice sees the token's own earlier slices."""
    head_width: int = 0
    """Hidden units per slice of the sliced head."""
    mixtures: int = 3
    """Gaussians per channel (N_M in the paper)."""

    def __post_init__(self) -> None:
        check(2 <= self.window <= 64, "window must be in 2..64 tokens")
        check(self.heads >= 1, "heads must be positive")
        check(1 <= self.width <= WIDEST, f"width must be in 1..{WIDEST}")
        check(self.width % self.heads == 0, "width must be a multiple of heads")
        check(1 <= self.layers <= DEEPEST, f"layers must be in 1..{DEEPEST}")
        check(1 <= self.mlp_width <= WIDEST, f"mlp_width must be in 1..{WIDEST}")
        check(self.delta >= 0, "delta must not be negative")
        sliced = self.head == "sliced"
        check(bool(self.slices) == sliced, "slices belong to the sliced head")
        check((self.head_width > 0) == sliced, "head_width belongs to the sliced head")
        check(self.head_width <= WIDEST, f"head_width must be at most {WIDEST}")
        check(all(n > 0 for n in self.slices), "slices must be positive")
        check(1 <= self.mixtures <= 8, "mixtures must be in 1..8")


class Aim(NamedTuple):
    """What a picture is coded for: one setting of the dial."""

    quality: int = 50
    """1 (smallest) to 100 (best)."""
    tune: Tune = "psnr"


@dataclass(frozen=True)
class RateConfig:
    """The range of rates that one model serves: loss = bpp + lmbda * MSE (255 scale)."""

    lmbda_min: float = 0.0005
    """At quality 1."""
    lmbda_max: float = 0.08
    """At quality 100."""
    eye: tuple[tuple[float, float], ...] = field(default=(), metadata=LATER)
    """Dial of the tune "eye": pairs of a quality and its t, from quality 1 to 100, linear in
    between. None: the model has no such tune."""
    eye_strength: float = field(default=1.0, metadata=LATER)
    """The networks' second input with the tune "eye": trained at 1, interpolated elsewhere."""

    def __post_init__(self) -> None:
        check(self.lmbda_min <= self.lmbda_max, "lmbda_min must be at most lmbda_max")
        least, most = LMBDAS
        inside = least <= self.lmbda_min and self.lmbda_max <= most
        check(inside, f"lmbda_min and lmbda_max must be in {least:g}..{most:g}")
        if self.eye:
            check(all(len(knot) == 2 for knot in self.eye), "eye must be pairs of quality and t")
            qualities, ts = zip(*self.eye, strict=True)
            ends = qualities[0] == QUALITIES[0] and qualities[-1] == QUALITIES[-1]
            check(ends, "eye must go from quality 1 to 100")
            ascending = all(_ascending(values) for values in (qualities, ts))
            check(ascending and max(map(abs, ts)) <= 2, "eye must ascend, with t in -2..2")
        check(abs(self.eye_strength) <= 2, "eye_strength must be in -2..2")

    @property
    def lmbda_mid(self) -> float:
        """Geometric middle of the range, where the gains are 1."""
        return math.sqrt(self.lmbda_min * self.lmbda_max)

    @property
    def half_range(self) -> float:
        """log(lmbda_max / lmbda_mid); 1 where there is a single lambda."""
        return math.log(self.lmbda_max / self.lmbda_mid) or 1.0

    @property
    def tunes(self) -> tuple[Tune, ...]:
        """What the model can be asked for, in the order of their numbers in files."""
        return TUNES if self.eye else TUNES[:1]

    @property
    def default_tune(self) -> Tune:
        """For the eye, where the model can."""
        return self.tunes[-1]

    def t(self, aim: Aim) -> tuple[float, float]:
        """An aim as the networks take it: log lambda, about -1 to 1, and the tune, 0 or 1."""
        self.check(aim)
        if aim.tune == "eye":
            return _interpolated(self.eye, aim.quality), self.eye_strength
        if self.lmbda_min == self.lmbda_max:
            return 0.0, 0.0
        return 2 * (aim.quality - 1) / 99 - 1, 0.0

    def lmbda(self, aim: Aim) -> float:
        """Lambda of an aim: for "psnr" geometric from lmbda_min (1) to lmbda_max (100)."""
        self.check(aim)
        if aim.tune == "eye":
            return self.lmbda_mid * math.exp(self.half_range * self.t(aim)[0])
        return self.lmbda_min * (self.lmbda_max / self.lmbda_min) ** ((aim.quality - 1) / 99)

    def aims(self) -> list[Aim]:
        """All that the model can be asked for, in the order of `row`."""
        return [Aim(quality, tune) for tune in self.tunes for quality in QUALITIES]

    def row(self, aim: Aim) -> int:
        """Where an aim stands in tables with an entry for each."""
        return self.tunes.index(aim.tune) * len(QUALITIES) + aim.quality - 1

    def check(self, aim: Aim) -> None:
        """Raise ConfigError unless the model can be asked for this."""
        check(aim.quality in QUALITIES, f"quality must be in 1..100, not {aim.quality}")
        check(aim.tune in TUNES, f"tune must be one of {', '.join(TUNES)}, not {aim.tune}")
        check(aim.tune in self.tunes, f"this model has no tune {aim.tune}")


def _ascending(values: Sequence[float]) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))


def _interpolated(knots: Sequence[tuple[float, float]], x: float) -> float:
    """At x, on the lines between knots (x, y)."""
    after = next(i for i, (end, _) in enumerate(knots) if x <= end)
    (x0, y0), (x1, y1) = knots[max(after, 1) - 1], knots[max(after, 1)]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


@dataclass(frozen=True)
class ModelConfig:
    """A whole codec."""

    name: str = "paper"
    transform: TransformConfig = field(default_factory=TransformConfig)
    entropy: EntropyConfig = field(default_factory=EntropyConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    rate: RateConfig = field(default_factory=RateConfig)

    def __post_init__(self) -> None:
        if self.entropy.slices:
            total, channels = sum(self.entropy.slices), self.transform.latent_channels
            check(total == channels, f"slices sum to {total}, latent_channels is {channels}")
        if self.schedule.order == "entropy":
            check(self.entropy.masking == "mt", 'the entropy order needs masking "mt"')
        if self.entropy.masking == "m2t":
            # Group i carries group i-1 as its input, so no group may be smaller than the last.
            check(self.schedule.alpha >= 1, "m2t needs alpha of at least 1")

    @property
    def slices(self) -> list[slice]:
        """A token's channels as the head predicts them, one slice after the other."""
        widths = self.entropy.slices or (self.transform.latent_channels,)
        ends = itertools.accumulate(widths)
        return [slice(end - width, end) for width, end in zip(widths, ends, strict=True)]

    def to_json(self) -> str:
        """The canonical text of this config (keys sorted, no spaces)."""
        return json.dumps(plain(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "ModelConfig":
        """Parse to_json()'s text; unknown or ill-typed keys raise ConfigError."""
        try:
            return build(cls, json.loads(text))
        except ConfigError:
            raise
        except (ValueError, RecursionError) as error:  # of numbers too long and lists too deep, too
            raise ConfigError(f"model config is not JSON: {error}") from error
