"""Colours that a file tells by numbers instead of a profile: as a profile, where one can say them.

PNG files have chunks for that (cICP, and gAMA with cHRM), AVIF and HEIC files a box (nclx).
"""

import os
import struct
from typing import BinaryIO

from PIL import Image

from .boxes import nclx
from .guard import warn
from .profiles import SRGB_CURVE, UNIT, Chromaticities, Curve, profile

_D65, _C = (31270, 32900), (31000, 31600)
_SRGB = (_D65, (64000, 33000), (30000, 60000), (15000, 6000))
PRIMARIES: dict[int, tuple[str, Chromaticities]] = {
    1: ("BT.709", _SRGB),
    2: ("BT.709", _SRGB),  # unspecified
    4: ("BT.470 M", (_C, (67000, 33000), (21000, 71000), (14000, 8000))),
    5: ("BT.470 BG", (_D65, (64000, 33000), (29000, 60000), (15000, 6000))),
    6: ("BT.601", (_D65, (63000, 34000), (31000, 59500), (15500, 7000))),
    7: ("SMPTE 240M", (_D65, (63000, 34000), (31000, 59500), (15500, 7000))),
    8: ("Film", (_C, (68100, 31900), (24300, 69200), (14500, 4900))),
    9: ("BT.2020", (_D65, (70800, 29200), (17000, 79700), (13100, 4600))),
    11: ("DCI-P3", ((31400, 35100), (68000, 32000), (26500, 69000), (15000, 6000))),
    12: ("Display P3", (_D65, (68000, 32000), (26500, 69000), (15000, 6000))),
    22: ("EBU 3213", (_D65, (63000, 34000), (29500, 60500), (15500, 7700))),
}
"""By their numbers in ITU-T H.273."""
CURVES: dict[int, tuple[str, Curve]] = {
    # Those of cameras (1, 6, 14, 15) are shown as sRGB's, not inverted.
    **dict.fromkeys((1, 2, 6, 13, 14, 15), ("", SRGB_CURVE)),
    4: ("gamma 2.2", (2.2,)),
    5: ("gamma 2.8", (2.8,)),
    8: ("linear", (1.0,)),
}
"""By the numbers of transfer functions there."""
SRGB_LIKE = {(5, 6), (6, 6)}
"""Primaries and transfer functions of older video that screens show as sRGB."""
HDR = (16, 18)
GAMMAS = (0.1, 10)
"""Of PNG files: 1 over what values are raised to, to become light."""
NEAR = 0.01
"""To 1 / 2.2, where a gamma alone means sRGB."""


def keep_colours(image: Image.Image, source: BinaryIO, head: bytes) -> None:
    """Give an image the profile that the numbers of its file stand for, if they are not sRGB's.

    What has a profile keeps it. Warns of numbers that no profile here can say, such as HDR's.
    """
    if image.info.get("icc_profile"):
        return
    made = numbers = None
    if image.format == "PNG":
        numbers = _cicp(source)
    elif image.format in ("AVIF", "HEIF", None):
        numbers = nclx(head)
    grey = Image.getmodebase(image.mode) == "L"
    if numbers is not None:
        made = _profile_of_numbers(*numbers, grey)
    elif image.format == "PNG" and "srgb" not in image.info:
        made = _profile_of_gamma(image.info.get("gamma"), image.info.get("chromaticity"), grey)
    if made is not None:
        image.info["icc_profile"] = made


def _profile_of_numbers(primaries: int, transfer: int, grey: bool) -> bytes | None:
    if (primaries, transfer) in SRGB_LIKE:
        return None
    known = primaries in PRIMARIES or grey
    if transfer not in CURVES or not known:
        kind = "HDR " if transfer in HDR else ""
        warn(
            f"{kind}colours of primaries {primaries} and transfer {transfer} are not kept: "
            "they are taken for sRGB"
        )
        return None
    how, curve = CURVES[transfer]
    name, chromaticities = PRIMARIES[1 if grey else primaries]
    if chromaticities == _SRGB and curve == SRGB_CURVE:
        return None
    return profile(f"{name} {how}".strip(), None if grey else chromaticities, curve)


def _profile_of_gamma(
    gamma: float | None, found: tuple[float, ...] | None, grey: bool
) -> bytes | None:
    """What is missing of the two is sRGB's."""
    if gamma is not None and not GAMMAS[0] <= gamma <= GAMMAS[1]:
        warn(f"gamma {gamma:g} is not kept: the colours are taken for sRGB")
        gamma = None
    flat = [round(UNIT * value) for value in found or ()]
    chromaticities = list(zip(flat[::2], flat[1::2], strict=True)) if found else list(_SRGB)
    usual = grey or all(
        abs(a - b) <= NEAR * UNIT / 10
        for one, other in zip(chromaticities, _SRGB, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    if usual and (gamma is None or abs(gamma - 1 / 2.2) <= NEAR):
        return None
    curve = SRGB_CURVE if gamma is None else (1 / gamma,)
    name = "PNG" if gamma is None else f"PNG gamma {gamma:g}"
    try:
        return profile(name, None if grey else chromaticities, curve)
    except ValueError as error:
        warn(f"the primaries are not kept, for {error}")
        return _profile_of_gamma(gamma, None, grey)


def _cicp(file: BinaryIO) -> tuple[int, int] | None:
    """Primaries and transfer function in a PNG file; None where there are none."""
    position = file.tell()
    try:
        file.seek(8)  # behind the signature
        while len(start := file.read(8)) == 8:
            num_bytes, kind = struct.unpack(">I4s", start)
            if kind in (b"IDAT", b"IEND"):
                break
            if (num_bytes, kind) == (4, b"cICP"):
                primaries, transfer = file.read(2)  # whole: Pillow has looked at its CRC
                return primaries, transfer
            file.seek(num_bytes + 4, os.SEEK_CUR)
    finally:
        file.seek(position)
    return None
