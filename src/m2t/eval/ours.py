"""m2t as a codec to be measured. Files are decoded by `m2t decompress`, in a process of its own."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from .. import load
from ..config import Tune
from ..container import parse
from ..encoder.refine import DEFAULT_EFFORT
from ..errors import M2TError
from ..weights import DEFAULT
from .codec import Codec
from .command import run_m2t
from .metrics import load_rgb

if TYPE_CHECKING:
    from ..codec import Codec as Model

QUALITIES = (14, 33, 52, 71, 89)
"""Of squared error: on Kodak, about 0.1 to 1.2 bpp."""
EYE_QUALITIES = (5, 15, 30, 45, 60, 75, 90)
"""For the eye."""


@functools.cache
def _load(model: str | None) -> "Model":
    return load(model, num_threads=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class M2TCodec(Codec):
    """One set of weights."""

    model: str | None = None
    """By name or path; None: those of the package."""
    tune: Tune | None = None
    """None: for the eye, if the model can."""
    effort: int = DEFAULT_EFFORT

    def version(self) -> str:
        """The id of the weights, as the files name them, the tune and the effort."""
        tune = self.tune or _load(self.model).config.rate.default_tune
        return f"model {_load(self.model).identity.hex()}, tune {tune}, effort {self.effort}"

    def encode(self, image: Image.Image, setting: float) -> bytes:
        """An .m2t file."""
        options = {"tune": self.tune, "effort": self.effort}
        return _load(self.model).compress(image, int(setting), lossless="never", **options)

    def decode(self, data: bytes) -> Image.Image:
        """The image of an .m2t file."""
        return _load(self.model).decompress(data)

    def encode_file(self, source: Path, setting: float, target: Path) -> None:
        """Encode, and hold the coder to what the model promised it.

        Raises M2TError if the coded windows are off by more than 0.5 % and 10 bytes each.
        """
        data = self.encode(Image.fromarray(load_rgb(source)), setting)
        windows = parse(data).windows
        expected = _load(self.model).estimate(data) / 8
        coded = sum(map(len, windows))
        if abs(coded - expected) > 0.005 * expected + 10 * len(windows):
            raise M2TError(f"{coded} bytes of tokens, where {expected:.0f} were expected")
        target.write_bytes(data)

    def decode_file(self, source: Path, target: Path) -> None:
        """Decode as a user would, where nothing of the encoder is left."""
        model = ["--model", self.model] if self.model else []
        run_m2t("decompress", source, target, "--threads", 1, *model)


def m2t_codec(
    model: str | None = None,
    qualities: tuple[int, ...] | None = None,
    effort: int = DEFAULT_EFFORT,
    tune: Tune | None = None,
) -> M2TCodec:
    """The codec `m2t`, or `m2t_psnr`, with some weights, to be measured at some qualities."""
    label = f"m2t {Path(model).stem if model else DEFAULT}"
    label += f", tune {tune}" if tune else ""
    label += f", effort {effort}" if effort != DEFAULT_EFFORT else ""
    return M2TCodec(
        name=f"m2t_{tune}" if tune else "m2t",
        label=label,
        suffix=".m2t",
        settings=qualities or (QUALITIES if tune == "psnr" else EYE_QUALITIES),
        model=model,
        tune=tune,
        effort=effort,
    )
