"""Everything that m2t raises on purpose.

M2TError
├─ FormatError          the bytes are not a valid .m2t file
│  ├─ BadMagic          not an .m2t file at all
│  ├─ UnsupportedVersion
│  ├─ Truncated         the file ends too early
│  ├─ Corrupt           a checksum or a field contradicts the data
│  └─ LimitExceeded     the file asks for more than we agree to allocate
├─ ModelError           weights that are missing, foreign or damaged
│  └─ UnknownModel      no weights with that name or id
├─ ImageError           an image that cannot be read, or has no pixels
├─ OutputError          a result that cannot be written where it was asked for
└─ ConfigError          options that contradict each other (also a ValueError)
   └─ OutOfReach        a target that no quality comes to
"""


class M2TError(Exception):
    """Base of all errors that a caller may want to catch; the text is one clear line."""


class FormatError(M2TError):
    """The bytes are not a valid .m2t file."""


class BadMagic(FormatError):
    """The first bytes are not those of an .m2t file."""


class UnsupportedVersion(FormatError):
    """The file was written by a newer format version."""


class Truncated(FormatError):
    """The file ends before its declared content."""


class Corrupt(FormatError):
    """A checksum or a field contradicts the data."""


class LimitExceeded(FormatError):
    """The file declares more than the decoder agrees to allocate."""


class ModelError(M2TError):
    """Weights that are missing, foreign or damaged."""


class UnknownModel(ModelError):
    """No weights with that name or id are known here."""


class ImageError(M2TError):
    """An image that cannot be read, or that has no pixels."""


class OutputError(M2TError):
    """A result that cannot be written where it was asked for."""


class ConfigError(M2TError, ValueError):
    """Options that are out of range or contradict each other."""


class OutOfReach(ConfigError):
    """A target that no quality comes to."""


def describe(error: Exception) -> str | None:
    """The one line for an error that a user can cause; None where it is a bug of ours."""
    if isinstance(error, M2TError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # PyTorch has an exception of its own on GPUs, and none on CPUs.
    if type(error).__name__ in ("MemoryError", "OutOfMemoryError"):
        return "out of memory"
    if isinstance(error, RuntimeError) and "can't allocate memory" in str(error):
        return "out of memory"
    return None


def explain(error: Exception) -> str:
    """As describe(); of bugs, their kind and text, for a run that goes on."""
    return describe(error) or f"unexpected {type(error).__name__}: {error}"
