"""What can be asked for in place of a quality: a size, or how near the picture comes."""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .options import check

Kind = Literal["size", "bpp", "psnr", "ssimulacra2"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SIZES: tuple[Kind, ...] = ("size", "bpp")
"""Those that a file must not exceed; the others a picture must not fall short of."""


@dataclass(frozen=True)
class Target:
    """A size that the file does not exceed, or a fidelity that the picture reaches.

        m2t.compress(image, m2t.Target("size", 200_000))

    The whole file counts, with metadata and opacity; fidelity is that of the colours.
    """

    kind: Kind
    """size: bytes; bpp: bits per pixel; psnr: dB over RGB; ssimulacra2: its score, up to 100."""
    value: float

    def __post_init__(self) -> None:
        check(self.kind in KINDS, f"target must be one of {', '.join(KINDS)}, not {self.kind}")
        check(_is_number(self.value), f"target {self.kind} must be a number, not {self.value!r}")
        if self.kind == "ssimulacra2":
            check(self.value < 100, f"target ssimulacra2 must be below 100, not {self.value:g}")
        else:
            check(self.value > 0, f"target {self.kind} must be above 0, not {self.value:g}")

    def num_bytes(self, num_pixels: int) -> int:
        """The largest file of a picture that meets a size."""
        assert self.kind in SIZES
        return int(self.value if self.kind == "size" else self.value * num_pixels / 8)


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False
