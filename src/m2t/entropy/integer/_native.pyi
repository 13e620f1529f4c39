from numpy.typing import NDArray

def levels() -> int: ...
def pack(weight: NDArray, packed: NDArray) -> None: ...
def layer(
    level: int,
    mode: int,
    x: NDArray,
    packed: NDArray,
    multiplier: NDArray,
    bias: NDArray,
    prepared: NDArray,
    curve: NDArray,
    out: NDArray,
) -> None: ...
def norm(
    level: int, eps: float, h: NDArray, gain: NDArray, bias: NDArray, out: NDArray
) -> None: ...
def attention(
    level: int,
    num_heads: int,
    steps: float,
    attended: float,
    qkv: NDArray,
    spans: NDArray,
    limits: NDArray,
    exponentials: NDArray,
    keys: NDArray,
    values: NDArray,
    out: NDArray,
) -> None: ...
def mixture(
    level: int,
    num_components: int,
    raw: NDArray,
    means_unit: NDArray,
    rungs_offset: NDArray,
    exponentials: NDArray,
    means: NDArray,
    scales: NDArray,
    weights: NDArray,
) -> None: ...
