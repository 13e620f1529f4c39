"""Which file a picture becomes: one of tokens, or one without loss where that is no larger."""

from contextlib import suppress

from .aiming import Aiming
from .config import LOSSLESS_CHOICES, QUALITIES, Lossless
from .container import parse_header
from .encoding import Encoding
from .errors import OutOfReach
from .image import warn
from .lossless import lossless_file
from .options import check, whole
from .progress import Progress
from .target import SIZES, Target


def compressed(
    encoding: Encoding, quality: int | Target, lossless: Lossless, progress: Progress | None
) -> bytes:
    """The file of a picture. Raises ConfigError where there is no such option or target."""
    choices = ", ".join(LOSSLESS_CHOICES)
    check(lossless in LOSSLESS_CHOICES, f"lossless must be one of {choices}, not {lossless}")
    if not isinstance(quality, Target):
        quality = whole("quality", quality)
        encoding.aim(quality)
    if lossless == "always":
        try:
            return _kept(encoding, quality, progress)
        except OutOfReach as error:
            warn(str(error))
    try:
        data = _coded(encoding, quality, progress)
    except OutOfReach:
        if lossless == "auto":
            with suppress(OutOfReach):
                return _kept(encoding, quality, progress)
        raise
    if lossless != "auto":
        return data
    return lossless_file(encoding.picture, parse_header(data).aim, len(data)) or data


def _coded(encoding: Encoding, quality: int | Target, progress: Progress | None) -> bytes:
    """The file of tokens; OutOfReach where no quality comes to the target."""
    if isinstance(quality, Target):
        return Aiming(encoding, quality).compress(progress)
    return encoding.compress(quality, progress)


def _kept(encoding: Encoding, quality: int | Target, progress: Progress | None) -> bytes:
    """The file without loss; OutOfReach where a size was asked for that it exceeds."""
    picture, best = encoding.picture, encoding.aim(QUALITIES[-1])
    data = lossless_file(picture, best, progress=progress)
    assert data is not None  # without a limit
    if isinstance(quality, Target) and quality.kind in SIZES:
        most = quality.num_bytes(picture.rgb.size // 3)
        if len(data) > most:
            raise OutOfReach(f"without loss it takes {len(data):,} bytes, more than {most:,}")
    return data
