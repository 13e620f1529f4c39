from typing import Any

from numpy.typing import NDArray

Buffer = NDArray[Any] | bytes

TILE_COLUMNS: int

def levels() -> tuple[str, ...]: ...
def check(level: int, number: int, /) -> int: ...
def packed_bytes(bits: int, outputs: int, inputs: int, /) -> int: ...
def pack(weights: Buffer, packed: Buffer, sizes: Buffer, /) -> None: ...
def conv(
    level: int,
    sizes: Buffer,
    x: Buffer,
    weights: Buffer,
    multiplier: Buffer,
    bias: Buffer,
    prepared: Buffer,
    curve: Buffer,
    out: Buffer,
    /,
) -> None: ...
def norm(
    level: int, eps: float, sizes: Buffer, x: Buffer, gain: Buffer, bias: Buffer, out: Buffer, /
) -> None: ...
def stream_norm(
    level: int, eps: float, sizes: Buffer, x: Buffer, gain: Buffer, out: Buffer, /
) -> None: ...
def attention(
    level: int,
    steps: float,
    attended: float,
    sizes: Buffer,
    qkv: Buffer,
    spans: Buffer,
    limits: Buffer,
    exponentials: Buffer,
    keys: Buffer,
    values: Buffer,
    out: Buffer,
    /,
) -> None: ...
def mixture(
    level: int,
    sizes: Buffer,
    raw: Buffer,
    means_unit: Buffer,
    rungs_offset: Buffer,
    exponentials: Buffer,
    means: Buffer,
    scales: Buffer,
    weights: Buffer,
    /,
) -> None: ...
def scale(level: int, sizes: Buffer, tokens: Buffer, gains: Buffer, out: Buffer, /) -> None: ...
def pixels(level: int, sizes: Buffer, x: Buffer, out: Buffer, /) -> None: ...
def eye(
    level: int,
    sizes: Buffer,
    x: Buffer,
    x_hat: Buffer,
    light: Buffer,
    light_slopes: Buffer,
    slopes: Buffer,
    /,
) -> None: ...
def squared(sizes: Buffer, x: Buffer, x_hat: Buffer, slopes: Buffer, /) -> None: ...
def energies(sizes: Buffer, slopes: Buffer, out: Buffer, /) -> None: ...
def encode(
    state: int,
    symbols: Buffer,
    means: Buffer,
    scales: Buffer,
    weights: Buffer,
    phi: Buffer,
    inverse_sigmas: Buffer,
    /,
) -> tuple[bytes, int]: ...
def decode(
    position: int,
    state: int,
    data: Buffer,
    symbols: Buffer,
    means: Buffer,
    scales: Buffer,
    weights: Buffer,
    phi: Buffer,
    inverse_sigmas: Buffer,
    /,
) -> tuple[int, int, int]: ...
def move(
    symbols: Buffer,
    slopes: Buffer,
    curvatures: Buffer,
    bits: Buffer,
    out: Buffer,
    means: Buffer,
    scales: Buffer,
    weights: Buffer,
    phi: Buffer,
    inverse_sigmas: Buffer,
    /,
) -> None: ...
