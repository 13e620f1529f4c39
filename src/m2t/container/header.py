"""What stands at the start of every file. The dataclass defines it: its order is byte order."""

import dataclasses
from binascii import crc_hqx
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ..config import TUNES, Aim
from ..errors import BadMagic, Corrupt, LimitExceeded, UnsupportedVersion
from .cursor import Cursor, pack_number

SIGNATURE = b"\x89m2t"  # not ASCII, so that no text file is taken for ours
SUFFIX = ".m2t"
"""Of files' names."""
STRIPS, LAYERS, LOSSLESS = 1, 2, 3
"""Versions of the format: by how they lay out the tokens, and the one that has none."""
NO_MODEL = bytes(8)
"""In place of the model id, where a picture is kept without loss."""
MAX_SIDE = 65535
MAX_PIXELS = 1 << 30

_CRC_START = 0xFFFF


class Order(IntEnum):
    """Orders of coding (ScheduleConfig.order), by their number in the file; append only."""

    QLDS = 0
    RANDOM = 1
    RASTER = 2
    ENTROPY = 3


_OF_TOKENS: dict[str, Any] = {"model_id": NO_MODEL, "steps": 1, "alpha": 1, "order": 0, "seed": 0}
"""Fields that a lossless file does not have, and what stands for them."""


def _raw(num_bytes: int) -> Any:
    return dataclasses.field(metadata={"num_bytes": num_bytes})


def _number(low: int, high: int, default: Any = dataclasses.MISSING) -> Any:
    return dataclasses.field(default=default, metadata={"range": range(low, high + 1)})


@dataclass(frozen=True, slots=True)
class Header:
    """All that is known of an image before its chunks. Out of range fields raise FormatError."""

    version: int = dataclasses.field(
        default=STRIPS, kw_only=True, metadata={"range": range(STRIPS, LOSSLESS + 1)}
    )
    """Of the format. All numbers below 128 are a byte: a reader looks at this one first."""
    model_id: bytes = _raw(8)
    """First bytes of the SHA-256 that names the weights."""
    width: int = _number(1, MAX_SIDE)
    height: int = _number(1, MAX_SIDE)
    quality: int = _number(1, 100)
    steps: int = _number(1, 65535)
    alpha: int = _number(1, 255)
    """Exponent of the group sizes, in tenths."""
    order: Order = _number(0, 3, Order.QLDS)  # noqa: RUF009 - a constant
    seed: int = _number(0, 255, 0)
    """Of the random order."""
    flags: int = _number(0, 3, 0)
    """Bit 0: the image is grey; its three channels are equal. Bit 1: it is tuned for the eye."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, limits = getattr(self, field.name), field.metadata.get("range")
            if limits is None and len(value) != field.metadata["num_bytes"]:
                raise Corrupt(f"{field.name} must have {field.metadata['num_bytes']} bytes")
            if limits is not None and value not in limits:
                kind = LimitExceeded if value > 0 and field.name in ("width", "height") else Corrupt
                raise kind(f"{field.name} must be in {limits[0]}..{limits[-1]}, not {value}")
        object.__setattr__(self, "order", Order(self.order))
        check_pixels(self.width, self.height, MAX_PIXELS)

    @property
    def grey(self) -> bool:
        """Whether the image has one channel rather than three."""
        return bool(self.flags & 1)

    @property
    def lossless(self) -> bool:
        """Whether the file has the picture's very pixels, and no tokens."""
        return self.version == LOSSLESS

    @property
    def model(self) -> str | None:
        """The model id in hex; None where no model is needed."""
        return None if self.lossless else self.model_id.hex()

    @property
    def aim(self) -> Aim:
        """What the image was coded for; of a lossless file: for what tokens would take more."""
        return Aim(self.quality, TUNES[self.flags >> 1])

    def pack(self) -> bytes:
        """Signature, version, fields and CRC-16: about 25 bytes, 13 where there are no tokens."""
        parts = [SIGNATURE, bytes([self.version])]
        for field in _fields(self.version):
            value = getattr(self, field.name)
            parts.append(pack_number(value) if "range" in field.metadata else value)
        data = b"".join(parts)
        return data + crc_hqx(data, _CRC_START).to_bytes(2, "little")


def lossless_header(width: int, height: int, aim: Aim, grey: bool) -> Header:
    """The header of a picture that is kept without loss, where a file for that aim is larger."""
    flags = int(grey) | TUNES.index(aim.tune) << 1
    values: dict[str, Any] = {"width": width, "height": height, "quality": aim.quality}
    return Header(**_OF_TOKENS | values, flags=flags, version=LOSSLESS)


def _fields(version: int) -> list[dataclasses.Field[Any]]:
    """Those that follow the version in a file."""
    left_out = _OF_TOKENS if version == LOSSLESS else ()
    return [field for field in dataclasses.fields(Header)[1:] if field.name not in left_out]


def check_pixels(width: int, height: int, limit: int) -> None:
    """Raise LimitExceeded where so many pixels are more than a limit."""
    if width * height > limit:
        raise LimitExceeded(f"{width}x{height} pixels are more than the limit of {limit:,}")


def read_header(cursor: Cursor) -> Header:
    """The header at the start of a file; leaves the cursor at the first chunk."""
    version = _read_version(cursor)
    values: dict[str, Any] = {"version": version} | _OF_TOKENS
    for field in _fields(version):
        if "range" in field.metadata:
            # Whatever the field's own range: one error for a value that is wrong, not two.
            values[field.name] = cursor.number(0xFFFF_FFFF)
        else:
            values[field.name] = bytes(cursor.take(field.metadata["num_bytes"]))
    crc = crc_hqx(cursor.data[: cursor.position], _CRC_START)
    if crc != int.from_bytes(cursor.take(2), "little"):
        raise Corrupt("header is damaged")
    return Header(**values)


def _read_version(cursor: Cursor) -> int:
    found = bytes(cursor.data[: len(SIGNATURE)])
    if not SIGNATURE.startswith(found):
        raise BadMagic("not an .m2t file")
    cursor.take(len(SIGNATURE))
    version = cursor.take(1)[0]
    if version > LOSSLESS:
        known = f"this one reads up to {LOSSLESS}"
        raise UnsupportedVersion(f"format version {version} needs a newer version of m2t: {known}")
    if version == 0:
        raise Corrupt("format version 0 does not exist")
    return version
