"""What a model is: frozen dataclasses, checked when built, stored as JSON with the weights.

The defaults are the paper's (M2T, ICCV 2023); presets.py holds the named variants.
"""

import itertools
import json
import typing
from dataclasses import dataclass, field, replace
from typing import Literal

from .dial import LARGEST_T, QUALITIES, TUNES, Aim, RateConfig, Tune
from .errors import ConfigError
from .options import LATER, build, check, plain

__all__ = [
    "LOSSLESS_CHOICES",
    "QUALITIES",
    "STRIDE",
    "TUNES",
    "Aim",
    "EntropyConfig",
    "Lossless",
    "ModelConfig",
    "RateConfig",
    "ScheduleConfig",
    "TransformConfig",
    "Tune",
]

STRIDE = 16  # pixels per token side: one token stands for 16x16 pixels
WIDEST, DEEPEST = 4096, 64
"""Limits of a network's sizes: a file of weights cannot ask for more."""
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
    slices_from: tuple[float, ...] = field(default=(), metadata=LATER)
    """For each slice the t (RateConfig.t) from which it is coded: below, its channels are zero, and
    the model is one without them. Empty: all are coded at all qualities."""
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
        if self.slices_from:
            check(
                len(self.slices_from) == len(self.slices), "slices_from must be one for each slice"
            )
            ascends = all(a <= b for a, b in itertools.pairwise(self.slices_from))
            check(ascends and self.slices_from[0] <= -LARGEST_T, "slices_from must ascend from -2")


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
        anywhere = not self.entropy.slices_from or self.transform.kind == "lapped"
        check(anywhere, "slices_from belong to lapped transforms")

    @property
    def slices(self) -> list[slice]:
        """A token's channels as the head predicts them, one slice after the other."""
        widths = self.entropy.slices or (self.transform.latent_channels,)
        ends = itertools.accumulate(widths)
        return [slice(end - width, end) for width, end in zip(widths, ends, strict=True)]

    def at(self, aim: Aim) -> "ModelConfig":
        """The config of the model that codes for an aim: without the slices that begin later."""
        begins, (t, _) = self.entropy.slices_from, self.rate.t(aim)
        count = sum(begin <= t for begin in begins)
        if count == len(begins):
            return self
        slices = self.entropy.slices[:count]
        entropy = replace(self.entropy, slices=slices, slices_from=begins[:count])
        transform = replace(self.transform, latent_channels=sum(slices))
        return replace(self, entropy=entropy, transform=transform)

    @property
    def rise(self) -> float | None:
        """The t from which the first slice is coded that is not at all qualities, if there is one.

        What follows lambda in straight lines may bend there.
        """
        begins = self.entropy.slices_from
        return next((t for t in begins if t > begins[0]), None)

    @property
    def num_always(self) -> int:
        """How many channels are coded at all qualities."""
        begins, rise = self.entropy.slices_from, self.rise
        if rise is None:
            return self.transform.latent_channels
        return self.slices[begins.index(rise)].start

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
