"""A codec as `m2t eval` sees one. docs/eval.md shows how to add another."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..image import save_image
from .metrics import load_rgb


@dataclass(frozen=True, eq=False, kw_only=True)
class Codec(ABC):
    """One codec at fixed options: a single knob sweeps its quality.

    `encode` and `decode` are all that a new one needs; whatever they raise on purpose is an
    M2TError, OSError, ValueError or RuntimeError.
    """

    name: str
    """As in --codecs and in the names of files."""
    label: str
    """As in tables and plots."""
    suffix: str
    """Of its files, such as ".jpg"."""
    settings: tuple[float, ...]
    """Those of the measured curve, from the lowest quality up."""
    knob: str = "quality"
    """What the settings set."""

    @abstractmethod
    def encode(self, image: Image.Image, setting: float) -> bytes:
        """A complete file of an RGB image, container included."""

    @abstractmethod
    def decode(self, data: bytes) -> Image.Image:
        """The RGB image of a file."""

    @abstractmethod
    def version(self) -> str:
        """What makes the files: results of one version are not continued with another."""

    def missing(self) -> str | None:
        """One line that says how to install what is not there, or None."""
        return None

    def param(self, setting: float) -> str:
        """A setting as results name it, such as "quality 50"."""
        return f"{self.knob} {setting:g}"

    def encode_file(self, source: Path, setting: float, target: Path) -> None:
        """Encode the pixels of the image file `source`; nothing else that it holds counts."""
        target.write_bytes(self.encode(Image.fromarray(load_rgb(source)), setting))

    def decode_file(self, source: Path, target: Path) -> None:
        """Decode `source` to the PNG file `target`."""
        with target.open("wb") as file:
            save_image(self.decode(source.read_bytes()), file, ".png")
