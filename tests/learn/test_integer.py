"""The integer network: equal on every path, and close to the float model it was made from."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from torch import Tensor

from m2t.coding import code_windows
from m2t.config import Aim, ModelConfig
from m2t.engine.arithmetic import EXACT, EXP_ONE, RESIDUAL_LIMIT, WEIGHT_SUM, check_bounds
from m2t.engine.native import levels
from m2t.errors import ModelError
from m2t.learn.devices import operations as pytorch
from m2t.learn.devices.int8_products import FloatKernel, Int8Kernel
from m2t.learn.devices.operations import TorchOperations
from m2t.learn.floats.network import FloatNetwork
from m2t.learn.integers.calibrate import calibrate
from m2t.learn.integers.entropy_to_integers import export
from m2t.predict import fastest
from m2t.predict.native import NativeOperations
from m2t.predict.network import IntegerNetwork
from m2t.predict.operations import Attention, Norm, Operations
from m2t.predict.predictor import Network, Span, build_predictor
from m2t.predict.reference import ReferenceOperations
from m2t.presets import tiny
from m2t.rans import Counter, Decoder, Encoder
from m2t.rans.gaussians import MEAN_LIMIT

from ..conftest import vary
from .conftest import Recorder, seeded_model

SHAPE = (5, 6)
AIM = Aim(40, "eye")
VARIANTS = {
    "light": {},
    "mt": {"masking": "mt"},
    "paper": {
        "head": "factorised",
        "slices": (),
        "head_width": 0,
        "neighbours": False,
        "source_positions": False,
        "style": "gelu",
        "delta": 5.0,
    },
}

CPU = torch.device("cpu")
FLOAT, REFERENCE = TorchOperations(FloatKernel(), CPU), ReferenceOperations()
ALL_OPERATIONS: list[Operations] = [
    *(NativeOperations(level) for level in range(len(levels()))),
    TorchOperations(Int8Kernel(), CPU),
    FLOAT,
    REFERENCE,
]
FASTEST = fastest.choose()


def latents(windows: int = 2, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.rint(3 * rng.standard_normal((windows, SHAPE[0] * SHAPE[1], 12))).astype(np.int32)


def exported(config: ModelConfig, seed: int = 0) -> tuple[FloatNetwork, dict[str, Tensor]]:
    model = seeded_model(config, seed).entropy
    y = torch.from_numpy(latents(8, seed=5)).float().unflatten(1, SHAPE)
    t = torch.stack((torch.linspace(-1, 1, 8), torch.arange(8.0) % 2), 1)
    return FloatNetwork(model, config), export(model, config, calibrate(model, [(y, t)]))


@pytest.fixture(scope="module", params=VARIANTS)
def made(request: pytest.FixtureRequest) -> tuple[FloatNetwork, dict[str, Tensor]]:
    return exported(vary(tiny(), **VARIANTS[request.param]))


def integer(made: tuple[FloatNetwork, dict[str, Tensor]], ops: Operations) -> IntegerNetwork:
    arrays = {name: tensor.numpy() for name, tensor in made[1].items()}
    return IntegerNetwork(made[0].config, arrays, ops)


def predict(model: Network, coders: list, y: np.ndarray | None, known: np.ndarray | None, n: int):
    """Run n windows through their coders; (n, N, C)."""
    flat, known = (None if a is None else a.reshape(-1, a.shape[2]) for a in (y, known))
    predictor = build_predictor(model, [SHAPE] * n, AIM, known)
    return code_windows(predictor, coders, flat).reshape(n, -1, 12)


def record(model: Network, y: np.ndarray, one_pass: bool = False) -> list[list[np.ndarray]]:
    """The mixtures of each window, in the order of coding."""
    recorders = [Recorder() for _ in y]
    predict(model, recorders, y, y if one_pass else None, len(y))
    return [
        [np.concatenate(parts) for parts in zip(*recorder.seen, strict=True)]
        for recorder in recorders
    ]


def assert_equal(a: list[list[np.ndarray]], b: list[list[np.ndarray]]) -> None:
    for window_a, window_b in zip(a, b, strict=True):
        for array_a, array_b in zip(window_a, window_b, strict=True):
            assert np.array_equal(array_a, array_b)


@pytest.mark.parametrize("ops", ALL_OPERATIONS, ids=lambda ops: ops.name)
@pytest.mark.parametrize("one_pass", [False, True])
def test_all_operations_agree(made, ops: Operations, one_pass: bool) -> None:
    y = latents()
    expected = record(integer(made, REFERENCE), y)
    assert_equal(record(integer(made, ops), y, one_pass), expected)


def test_one_pass_is_the_steps(made) -> None:
    model = integer(made, FLOAT)
    y = latents()
    assert_equal(record(model, y, one_pass=True), record(model, y))


def test_windows_alone_are_the_windows_of_a_batch(made) -> None:
    model = integer(made, FASTEST)
    y = latents(3)
    alone = [record(model, y[i : i + 1])[0] for i in range(3)]
    assert_equal(record(model, y), alone)


def large(ops: Operations) -> list[np.ndarray]:
    """Results so large that PyTorch shares the work among its threads: over 32768 elements."""
    rng = np.random.default_rng(0)
    x, weight = (rng.integers(-63, 64, (n, 384)).astype(np.int8) for n in (200, 384))
    gain, zeros = rng.random(384, np.float32), np.zeros(384, np.float32)
    layer = ops.layer(weight, gain, zeros)
    h = ops.added(layer, ops.array(x), ops.array(np.zeros((200, 384), np.float32)))
    norms = (Norm(ops.array(gain), bias, 1.0) for bias in (None, ops.array(zeros)))
    return [np.asarray(h), *(np.asarray(ops.norm(norm, h)) for norm in norms)]


@contextmanager
def surroundings(name: str) -> Iterator[None]:
    """A setting of PyTorch that whoever imports m2t may have chosen."""
    threads = torch.get_num_threads()
    modes = {
        "inference": torch.inference_mode,
        "bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    }
    try:
        if name == "threads":
            torch.set_num_threads(1 if threads > 1 else 2)
        if name == "float64":
            torch.set_default_dtype(torch.float64)
        with modes.get(name, nullcontext)():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("ops", ALL_OPERATIONS, ids=lambda ops: ops.name)
@pytest.mark.parametrize("name", ["threads", "float64", "inference", "bfloat16"])
def test_surroundings_do_not_matter(made, ops: Operations, name: str) -> None:
    y = latents()
    expected = [*record(integer(made, ops), y), large(REFERENCE)]
    with surroundings(name):
        assert_equal([*record(integer(made, ops), y), large(ops)], expected)


def test_rate_is_close_to_the_float_model(made) -> None:
    y, rates = latents(), []
    for model in (made[0], integer(made, FLOAT)):
        counters = [Counter() for _ in y]
        predict(model, counters, y, None, len(y))
        rates.append(sum(counter.bits for counter in counters))
    assert rates[1] == pytest.approx(rates[0], rel=0.03)


def test_files_of_one_kernel_decode_with_another(made) -> None:
    y = latents()
    encoders = [Encoder() for _ in y]
    first, second = integer(made, FASTEST), integer(made, REFERENCE)
    predict(first, encoders, y, y, len(y))
    decoders = [Decoder(encoder.finish()) for encoder in encoders]
    decoded = predict(second, decoders, None, None, len(y))
    assert np.array_equal(decoded, y)


def test_entropy_order_is_the_same_with_all_kernels() -> None:
    config = vary(tiny(), masking="mt")
    schedule = dataclasses.replace(config.schedule, order="entropy")
    made = exported(dataclasses.replace(config, schedule=schedule))
    y = latents()
    expected = record(integer(made, REFERENCE), y)
    for ops in ALL_OPERATIONS:
        assert_equal(record(integer(made, ops), y), expected)


class Auditing(FloatKernel):
    """Refuses to multiply anything but integers."""

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        assert x.dtype == torch.int8
        return super().linear(x, weight)

    def batched(self, a: Tensor, b: Tensor) -> Tensor:
        assert torch.equal(a, a.round())
        assert torch.equal(b, b.round())
        return super().batched(a, b)


AUDITED = TorchOperations(Auditing(), CPU)


def test_only_integers_are_multiplied(made) -> None:
    record(integer(made, AUDITED), latents())


@pytest.mark.parametrize(
    ("name", "slip"), [("rounded", lambda x: x), ("saturated", lambda x: x.clamp(-127, 127))]
)
def test_a_float_that_slips_in_is_noticed(
    made, monkeypatch: pytest.MonkeyPatch, name: str, slip
) -> None:
    monkeypatch.setattr(pytorch, name, slip)
    with pytest.raises(AssertionError):
        record(integer(made, AUDITED), latents())


@pytest.mark.parametrize("ops", ALL_OPERATIONS, ids=lambda ops: ops.name)
def test_products_are_exact_at_their_bound(ops: Operations) -> None:
    x = ops.array(np.full((40, 2096), 127, np.int8))
    weight = np.full((8, 2096), 63, np.int8)
    weight[1::2] *= -1
    layer = ops.layer(weight, np.ones(8, np.float32), np.zeros(8, np.float32))
    got = np.asarray(ops.unrounded(layer, x))
    assert np.unique(got).tolist() == [-127 * 63 * 2096, 127 * 63 * 2096]
    assert 127 * 63 * 2096 < EXACT <= 127 * 63 * 2098


@pytest.mark.parametrize("ops", ALL_OPERATIONS, ids=lambda ops: ops.name)
def test_weights_beyond_the_bound_are_refused(ops: Operations) -> None:
    weight = np.full((1, 2100), 63, np.int8)
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    with pytest.raises(ModelError, match="too large"):
        ops.layer(weight, one, zero)
    with pytest.raises(ModelError, match="too large"):
        ops.layer(np.array([[64]], np.int8), one, zero)


@pytest.mark.parametrize("ops", ALL_OPERATIONS, ids=lambda ops: ops.name)
@pytest.mark.parametrize("level", [127, -127])
def test_attention_is_exact_at_its_bound(ops: Operations, level: int) -> None:
    """Queries, keys and values at the ends of their range, weights that all round up."""
    n, width = 1024, 64
    qkv = np.full((n, 3 * width), level, np.int8)
    table = np.array([EXP_ONE, 0], np.float32)
    a = Attention(1, 1.0, 1 / WEIGHT_SUM, ops.table(table))
    spans = [Span(0, slice(0, n), slice(0, n), 0)]
    limits = np.full(n, n, np.int32)
    got = ops.attention(a, ops.array(qkv), ops.cache([n], 1, width), spans, limits)
    assert np.unique(np.asarray(got)).tolist() == [level]


@pytest.mark.parametrize("ops", ALL_OPERATIONS, ids=lambda ops: ops.name)
def test_norms_at_the_limit_of_the_stream(ops: Operations) -> None:
    """The largest sums: 768 squares of the largest values."""
    h = np.full((2, 768), RESIDUAL_LIMIT, np.float32)
    h[1, ::2] *= -1
    gain = ops.array(np.full(768, 100, np.float32))
    zeros = ops.array(np.zeros(768, np.float32))
    rms, layer = (np.asarray(ops.norm(Norm(gain, b, 1.0), ops.array(h))) for b in (None, zeros))
    assert np.unique(rms).tolist() == [-100, 100]
    assert np.unique(layer[1]).tolist() == [-100, 100]
    assert np.unique(layer[0]).tolist() == [0]


@pytest.mark.parametrize("ops", ALL_OPERATIONS, ids=lambda ops: ops.name)
def test_mixtures_at_the_ends_of_their_range(ops: Operations) -> None:
    raw = np.tile(np.array([3e9, -3e9, 400, -400, 0, 2e6], np.float32), (3, 1))
    ones = ops.array(np.ones(1, np.float32))
    got = ops.mixture(ops.array(raw), 2, ones, ones, ops.table(np.array([EXP_ONE, 0], np.float32)))
    assert got.means.tolist() == [[MEAN_LIMIT, -MEAN_LIMIT]] * 3
    assert got.scales.tolist() == [[255, 0]] * 3
    assert got.weights.tolist() == [[0, 1 << 15]] * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 33}, "exponentials of a window"),
        ({"width": 1044, "heads": 2}, "a query and a key"),
        ({"width": 3200, "heads": 32, "style": "gelu"}, "LayerNorm"),
    ],
)
def test_sizes_that_could_overflow_are_refused(change: dict, message: str) -> None:
    check_bounds(vary(tiny(), window=32))
    with pytest.raises(ModelError, match=message):
        check_bounds(vary(tiny(), **change))
