"""ICC profiles of colours that numbers define: a few hundred bytes, for any viewer.

They are of version 4, and made of fractions, so they are the same on every machine.
"""

import struct
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain

Chromaticities = Sequence[tuple[int, int]]
"""(x, y) of white, red, green and blue, in units of 1 / UNIT."""
Curve = tuple[float, ...]
"""From values to light, both from 0 to 1: (g,) is v^g; (g, a, b, c, d) is (a v + b)^g, from d on,
and c v before."""
UNIT = 100_000
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

Vector = list[Fraction]
Matrix = list[Vector]
_D50 = [Fraction(63190, 65536), Fraction(1), Fraction(54061, 65536)]  # as profiles write it
_CONES = [  # Bradford's, of XYZ
    [Fraction(8951, 10000), Fraction(2664, 10000), Fraction(-1614, 10000)],
    [Fraction(-7502, 10000), Fraction(17135, 10000), Fraction(367, 10000)],
    [Fraction(389, 10000), Fraction(-685, 10000), Fraction(10296, 10000)],
]
_FUNCTIONS = {1: 0, 5: 3}
"""Of parametric curves, by how many parameters they have."""


def profile(name: str, chromaticities: Chromaticities | None, curve: Curve) -> bytes:
    """The profile of RGB, or of grey where there are no chromaticities.

    Raises ValueError for chromaticities that no colours have.
    """
    shared = _parametric(curve)
    tags = {b"desc": _text(name), b"cprt": _text("CC0"), b"wtpt": _xyz(_D50)}
    if chromaticities is None:
        return _packed(b"GRAY", tags | {b"kTRC": shared})
    colours, adaptation = _colours(chromaticities)
    tags[b"chad"] = b"sf32" + bytes(4) + b"".join(map(_fixed, chain.from_iterable(adaptation)))
    for letter, colour in zip((b"r", b"g", b"b"), colours, strict=True):
        tags |= {letter + b"XYZ": _xyz(colour), letter + b"TRC": shared}
    return _packed(b"RGB ", tags)


def _colours(chromaticities: Chromaticities) -> tuple[list[Vector], Matrix]:
    """XYZ of full red, green and blue, as seen under D50; what adapts XYZ to that."""
    if any(x + y > UNIT or min(x, y) < 0 for x, y in chromaticities) or not chromaticities[0][1]:
        raise ValueError("no colours have such chromaticities")
    white, *primaries = (
        [Fraction(x, UNIT), Fraction(y, UNIT), Fraction(UNIT - x - y, UNIT)]
        for x, y in chromaticities
    )
    white = [part / white[1] for part in white]
    shares = _times(_inverse(_transposed(primaries)), white)
    if min(shares) <= 0:
        raise ValueError("white does not lie between the primaries")
    ratios = [a / b for a, b in zip(_times(_CONES, _D50), _times(_CONES, white), strict=True)]
    scaled = [[ratio * part for part in row] for ratio, row in zip(ratios, _CONES, strict=True)]
    back = _inverse(_CONES)
    adaptation = _transposed([_times(back, column) for column in _transposed(scaled)])
    full = ([share * part for part in one] for share, one in zip(shares, primaries, strict=True))
    return [_times(adaptation, colour) for colour in full], adaptation


def _times(matrix: Matrix, vector: Vector) -> Vector:
    return [sum((a * b for a, b in zip(row, vector, strict=True)), Fraction()) for row in matrix]


def _transposed(matrix: Matrix) -> Matrix:
    return [list(column) for column in zip(*matrix, strict=True)]


def _inverse(matrix: Matrix) -> Matrix:
    """By Cramer's rule; ValueError where there is none."""
    a, b, c = matrix
    rows = [_cross(b, c), _cross(c, a), _cross(a, b)]
    determinant = _times([a], rows[0])[0]
    if determinant == 0:
        raise ValueError("the primaries lie on a line")
    return _transposed([[part / determinant for part in row] for row in rows])


def _cross(a: Vector, b: Vector) -> Vector:
    return [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]


def _fixed(value: float | Fraction) -> bytes:
    return round(value * 65536).to_bytes(4, "big", signed=True)


def _xyz(vector: Vector) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, vector))


def _parametric(curve: Curve) -> bytes:
    return struct.pack(">4s4xHxx", b"para", _FUNCTIONS[len(curve)]) + b"".join(map(_fixed, curve))


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(data), 28) + data


def _packed(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Header, table and data, which tags of equal data share."""
    start = 128 + 4 + 12 * len(tags)
    table, body, places = struct.pack(">I", len(tags)), b"", {}
    for name, data in tags.items():
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    header = struct.pack(
        ">I4xI4s4s4s6H4s28x12s48x",
        start + len(body),
        0x04300000,  # version 4.3
        b"mntr",
        space,
        b"XYZ ",
        *(2000, 1, 1, 0, 0, 0),  # a date has to be there, and always the same
        b"acsp",
        b"".join(map(_fixed, _D50)),
    )
    return header + table + body
