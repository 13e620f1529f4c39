"""Typefaces: those that the system has and Pillow's own, which is always there."""

import re
import string
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .choices import Rng, pick

FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.fonts"),
    Path("~/.local/share/fonts"),
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
SIZES = (8, 9, 10, 11, 12, 12, 13, 13, 14, 14, 14, 14, 15, 16, 16, 17, 18, 20, 22, 24, 28, 34, 40)
_MONOSPACED = re.compile("mono|cour|consol|hack|code|terminal", re.IGNORECASE)
_SAMPLE = "the quick brown fox jumps over 12 lazy dogs"


@dataclass(frozen=True)
class Font:
    """A face in a size."""

    path: str | None
    """None is Pillow's own face."""
    size: int
    """In pixels."""

    def load(self, scale: int = 1) -> ImageFont.FreeTypeFont:
        """To draw with, `scale` times as large."""
        return _load(self.path, self.size * scale)

    def width(self, text: str) -> int:
        """How many pixels a line of text takes."""
        return round(self.load().getlength(text))

    def letters(self, width: float) -> int:
        """About how many letters fit into that many pixels."""
        return int(width / max(self.load().getlength(_SAMPLE) / len(_SAMPLE), 1))

    def sized(self, factor: float) -> "Font":
        """The same face in another size, 6 pixels at least."""
        return Font(self.path, max(6, round(self.size * factor)))


def choose(rng: Rng, size: int | None = None, monospaced: bool = False) -> Font:
    """Any family, then any of its faces, so that a family of many weights counts once."""
    size = pick(rng, SIZES) if size is None else size
    families = _families(find(), monospaced)
    for _ in range(4):
        number = int(rng.integers(len(families) + 1))
        if number == len(families):
            break
        path = pick(rng, families[number])
        if _has_latin(path):
            return Font(path, size)
    return Font(None, size)


@cache
def find() -> tuple[str, ...]:
    """All font files of the system, sorted."""
    found = []
    for folder in FOLDERS:
        with suppress(RuntimeError):  # there may be no home
            paths = folder.expanduser().rglob("*")
            found += [str(path) for path in paths if path.suffix.lower() in (".ttf", ".otf")]
    return tuple(sorted(found))


@cache
def _families(paths: tuple[str, ...], monospaced: bool) -> tuple[tuple[str, ...], ...]:
    """Files grouped by what their names begin with, or only those of typewriter faces."""
    families: dict[str, list[str]] = {}
    for path in paths:
        name = Path(path).stem
        if not monospaced or _MONOSPACED.search(name):
            families.setdefault(re.split("[-_ ]", name)[0], []).append(path)
    return tuple(tuple(family) for family in families.values())


@cache
def _has_latin(path: str) -> bool:
    """Whether letters and digits look different: a face without them shows one box for all."""
    try:
        shapes = {_shape(letter, _load(path, 20)) for letter in string.ascii_letters}
        _shape(string.digits + string.punctuation, _load(path, 20))
    except OSError:
        return False
    return len(shapes) > 24  # some faces have capitals only


def _shape(text: str, font: ImageFont.FreeTypeFont) -> bytes:
    mask = Image.new("1", (32, 32))
    ImageDraw.Draw(mask).text((4, 0), text, 1, font)
    return mask.tobytes()


@lru_cache(64)
def _load(path: str | None, size: int) -> ImageFont.FreeTypeFont:
    if path is not None:
        return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
