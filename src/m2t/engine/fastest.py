"""What a machine runs: the fastest operations that give the expected results on it."""

from functools import cache

from . import native
from .distortion import Distortions
from .native import NativeDistortions, NativePictures
from .pictures import PictureOperations

CHECKS = (
    0x685E1769760D35A7,
    0x724053107562EEEE,
    0xC76B4DE77C0D2540,
    0x2258A529D66A38C2,
    0x5D36E5A0BB92EAD6,
    0x9688ADC7177315F8,
    0x58D0C36F7CFF6EAC,
    0xF11CEB2C410622CC,
    0x06CF4D030693A5B1,
    0x11E9E739D2A12262,
    0x0D6E34B1ABA914C5,
    0x209A1EDCE4A43B03,
    0x2476993276ED45B7,
)
"""What core/check.c finds wherever the core works as it should."""


def works(level: int) -> bool:
    """Whether a level of the core computes what it should on this machine."""
    return all(native.core.check(level, i) == expected for i, expected in enumerate(CHECKS))


@cache
def best_level() -> int | None:
    """The fastest level of the core that works; None: none does, or nothing was compiled."""
    levels = reversed(range(len(native.levels())))
    return next((level for level in levels if works(level)), None)


def pictures() -> tuple[PictureOperations, Distortions]:
    """Operations of the transforms, and what judges what they paint."""
    level = best_level()
    if level is None:
        # Compiled code does without these.
        from .reference import ReferenceDistortions, ReferencePictures  # noqa: PLC0415

        return ReferencePictures(), ReferenceDistortions()
    return NativePictures(level), NativeDistortions(level)
