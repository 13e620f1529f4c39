"""The core against the reference: the self-test's hashes, and what the core refuses."""

import numpy as np
import pytest

from m2t.engine import native
from m2t.engine.arithmetic import (
    EXACT,
    HIDDEN_STEPS,
    RESIDUAL_LIMIT,
    STREAM_LIMIT,
    Finish,
    check_layer,
)
from m2t.engine.fastest import CHECKS, best_level, works
from m2t.engine.native import NativePictures, sizes
from m2t.engine.pictures import PictureOperations
from m2t.engine.reference import ReferencePictures
from m2t.errors import ModelError

LEVELS = range(len(native.levels()))
REFERENCE = ReferencePictures()


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_passes_the_self_test(level: int) -> None:
    assert works(level)


def test_the_fastest_level_is_chosen() -> None:
    assert best_level() == LEVELS[-1]


def test_a_level_that_fails_a_check_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2t.engine.fastest.CHECKS", (*CHECKS[:-1], CHECKS[-1] ^ 1))
    best_level.cache_clear()
    assert best_level() is None
    best_level.cache_clear()


def random(kind: type, *shape: int, limit: int | None = None, seed: int = 0) -> np.ndarray:
    limit = limit or np.iinfo(kind).max
    return np.random.default_rng(seed).integers(-limit, limit + 1, shape).astype(kind)


def floats(count: int, largest: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-largest, largest, count).astype(np.float32)


def same(run, kind: type, *shape: int, ops: PictureOperations) -> None:
    """`run` with operations and a picture to fill, which starts alike."""
    outs = [random(kind, *shape, seed=9, limit=100) for _ in range(2)]
    run(ops, outs[0])
    run(REFERENCE, outs[1])
    assert np.array_equal(outs[0], outs[1])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("finish", "out"),
    [
        (Finish.RAW, np.float32),
        (Finish.STREAM, np.int16),
        (Finish.STREAM_ADDED, np.int16),
        (Finish.SATURATED, np.int8),
        (Finish.RELU, np.int8),
        (Finish.TOKENS, np.int32),
    ],
)
@pytest.mark.parametrize(
    ("kind", "side", "stride", "channels", "outputs"),
    [
        (np.int8, 3, 1, 8, 40),
        (np.int8, 1, 1, 5, 3),
        (np.int16, 2, 1, 6, 70),
        (np.int16, 4, 2, 4, 33),
        (np.int16, 1, 1, 3, 32),
    ],
)
def test_convolutions(level, finish, out, kind, side, stride, channels, outputs) -> None:
    x = random(kind, 2 * stride + side + 1, 9 * stride + side, channels)
    weights = random(kind, outputs, side, side, channels, limit=63 if kind is np.int8 else 32767)
    scale = 200 / (np.abs(weights.astype(np.int64)).max() * np.abs(x.astype(np.int64)).max() * 20)
    multiplier, bias = floats(outputs, scale), floats(outputs, 9)

    def run(ops: PictureOperations, target: np.ndarray) -> None:
        ops.conv(ops.kernel(weights, multiplier, bias, stride), x, target[:, 1:10], finish)

    same(run, out, 3, 12, outputs, ops=NativePictures(level))


def test_a_convolution_of_no_rows() -> None:
    """NumPy gives arrays of nothing strides of 0."""
    ops = NativePictures(LEVELS[0])
    kernel = ops.kernel(random(np.int8, 3, 1, 1, 5, limit=63), floats(3, 1.0), floats(3, 1.0))
    x = random(np.int8, 2, 4, 5)
    ops.conv(kernel, x[2:], np.empty((0, 4, 3), np.int16), Finish.STREAM)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", [np.int8, np.int16])
@pytest.mark.parametrize("columns", [8, 16, 17, 32, 75])
@pytest.mark.parametrize(("side", "channels"), [(1, 64), (1, 100), (1, 197), (3, 64), (3, 28)])
def test_tiles_of_every_height(level, kind, columns, side, channels) -> None:
    """Whole ones and those at the edge, inputs that fill registers and those that do not."""
    x = random(kind, 1 + side, columns + side - 1, channels)
    weights = random(kind, 40, side, side, channels, limit=63 if kind is np.int8 else 32767)
    scale = 1e-2 if kind is np.int8 else 1e-7
    multiplier, bias = floats(40, scale), floats(40, 9)

    def run(ops: PictureOperations, target: np.ndarray) -> None:
        ops.conv(ops.kernel(weights, multiplier, bias), x, target, Finish.STREAM)

    same(run, np.int16, 2, columns, 40, ops=NativePictures(level))


@pytest.mark.parametrize("level", LEVELS)
def test_sums_wrap_around_alike(level: int) -> None:
    x, weights = np.full((1, 1, 64), 32767, np.int16), np.full((2, 1, 1, 64), 32767, np.int16)
    weights[1] *= -1
    ones, zeros = np.ones(2, np.float32), np.zeros(2, np.float32)
    out = np.empty((1, 1, 2), np.float32)
    ops = NativePictures(level)
    ops.conv(ops.kernel(weights, ones, zeros), x, out, Finish.RAW)
    total = 64 * 32767**2
    expected = [(value + 2**31) % 2**32 - 2**31 for value in (total, -total)]
    assert out.ravel().tolist() == [np.float32(value) for value in expected]


@pytest.mark.parametrize("level", LEVELS)
def test_norms_tokens_and_pixels(level: int) -> None:
    ops = NativePictures(level)
    x, gain = random(np.int16, 5, 7, 12), floats(12, 90)
    x[0] //= 1000
    x[1] = 0

    def norm(ops: PictureOperations, out: np.ndarray) -> None:
        ops.stream_norm(x, gain, 0.3, out[1:-1, 1:-1])

    same(norm, np.int8, 7, 9, 12, ops=ops)
    tokens = random(np.int32, 4, 3, 12, limit=EXACT)
    same(lambda ops, out: ops.scale(tokens, gain, out), np.int16, 4, 3, 12, ops=ops)
    blocks = random(np.int16, 3, 4, 48)
    for height, width in ((12, 16), (9, 14), (1, 1)):
        same(lambda ops, out: ops.pixels(blocks, 4, out), np.uint8, height, width, 3, ops=ops)
    same(lambda ops, out: ops.rectify(blocks, out), np.int16, 3, 4, 48, ops=ops)


def test_constants_are_those_of_the_core() -> None:
    """The largest values, as the core clamps them."""
    ops = NativePictures(0)
    one, huge = np.ones((1, 1, 2), np.int16), np.full(1, 1e9, np.float32)
    kernel = ops.kernel(np.ones((1, 1, 1, 2), np.int16), huge, np.zeros(1, np.float32))
    for finish, kind, largest in (
        (Finish.STREAM, np.int16, STREAM_LIMIT),
        (Finish.TOKENS, np.int32, EXACT),
        (Finish.RELU, np.int8, 127),
    ):
        out = np.zeros((1, 1, 1), kind)
        ops.conv(kernel, one, out, finish)
        assert out.item() == largest
    assert (RESIDUAL_LIMIT, HIDDEN_STEPS) == (2**20, 64)


def test_weights_that_have_no_magnitude_are_refused() -> None:
    check_layer(np.array([[63, -63]], np.int8))
    with pytest.raises(ModelError):
        check_layer(np.array([[-128]], np.int8))


def conv(x=(4, 4, 4), out=(4, 4, 2), weights=(2, 1, 1, 4), finish=Finish.STREAM, **changed):
    """A call of the core, with some of its sizes changed."""
    ops = NativePictures(0)
    kernel = ops.kernel(np.ones(weights, np.int16), np.ones(2, np.float32), np.ones(2, np.float32))
    names = "bits finish rows columns outputs runs run x_run x_row x_column out_row out_column p"
    shape = dict(zip(names.split(), (16, finish, 4, 4, 2, 1, 4, 0, 16, 4, 8, 2, 0), strict=True))
    numbers = sizes(*(shape | changed).values())
    arrays = (np.ones(x, np.int16), kernel.weights, kernel.multiplier, kernel.bias)
    nothing = np.empty(0, np.int8)
    native.core.conv(0, numbers, *arrays, nothing, nothing, np.empty(out, np.int16))


def test_a_sound_call_passes() -> None:
    conv()


@pytest.mark.parametrize(
    "changed",
    [
        {"bits": 7},
        {"bits": 8},
        {"finish": 10},
        {"finish": -1},
        {"finish": Finish.HIDDEN},
        {"finish": Finish.CURVE},
        {"rows": 5},
        {"rows": -1},
        {"columns": 5},
        {"outputs": 3},
        {"outputs": 33},
        {"runs": 2},
        {"runs": -1},
        {"run": 5},
        {"run": 2**62},
        {"x_row": 17},
        {"x_row": 2**60},
        {"x_row": -16},
        {"x_column": 5},
        {"x_column": -4},
        {"x_column": 0, "out_column": 0, "columns": 2**40},
        {"x_row": 0, "out_row": 0, "rows": 2**40},
        {"out_row": 9},
        {"out_column": 3},
        {"out_column": -2},
        {"x": (4, 4, 3)},
        {"out": (4, 4, 1)},
    ],
)
def test_the_core_refuses_what_would_leave_its_arrays(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        conv(**changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [-1, 99])
def test_no_such_level(level: int) -> None:
    with pytest.raises(ValueError, match="no such level"):
        native.core.check(level, 0)
