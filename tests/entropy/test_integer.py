"""The integer network: equal on every path, and close to the float model it was made from."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from m2t.coding import Counter, Decoder, Encoder
from m2t.coding.loop import code_windows
from m2t.config import ModelConfig
from m2t.entropy.floating import FloatNetwork
from m2t.entropy.integer import arithmetic, network, products
from m2t.entropy.integer.arithmetic import RESIDUAL_LIMIT, layer_normed, rms_normed
from m2t.entropy.integer.export import calibrate, export, quantise_rows
from m2t.entropy.integer.network import IntegerEntropyModel, check_bounds
from m2t.entropy.integer.products import KERNELS, FloatKernel, Kernel, Linear, ReferenceKernel
from m2t.entropy.predictor import Network, build_predictor
from m2t.errors import ModelError
from m2t.presets import tiny

from ..conftest import Recorder, seeded_model, vary

SHAPE = (5, 6)
QUALITY = 40
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


def latents(windows: int = 2, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.rint(3 * rng.standard_normal((windows, SHAPE[0] * SHAPE[1], 12))).astype(np.int32)


def exported(config: ModelConfig, seed: int = 0) -> tuple[FloatNetwork, dict[str, Tensor]]:
    model = seeded_model(config, seed).entropy
    y = torch.from_numpy(latents(8, seed=5)).float().unflatten(1, SHAPE)
    t = torch.linspace(-1, 1, 8)
    return FloatNetwork(model, config), export(model, config, calibrate(model, [(y, t)]))


@pytest.fixture(scope="module", params=VARIANTS)
def made(request: pytest.FixtureRequest) -> tuple[FloatNetwork, dict[str, Tensor]]:
    return exported(vary(tiny(), **VARIANTS[request.param]))


def integer(made: tuple[FloatNetwork, dict[str, Tensor]], kernel: Kernel) -> IntegerEntropyModel:
    return IntegerEntropyModel(made[0].config, made[1], kernel)


@torch.inference_mode()
def record(model: Network, y: np.ndarray, one_pass: bool = False) -> list[list[np.ndarray]]:
    """The mixtures of each window, in the order of coding."""
    recorders = [Recorder() for _ in y]
    known = y if one_pass else None
    code_windows(build_predictor(model, SHAPE, len(y), QUALITY, known), recorders, y)
    return [
        [np.concatenate(parts) for parts in zip(*recorder.seen, strict=True)]
        for recorder in recorders
    ]


def assert_equal(a: list[list[np.ndarray]], b: list[list[np.ndarray]]) -> None:
    for window_a, window_b in zip(a, b, strict=True):
        for array_a, array_b in zip(window_a, window_b, strict=True):
            assert np.array_equal(array_a, array_b)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_kernels_agree(made, kernel: Kernel) -> None:
    y = latents()
    assert_equal(record(integer(made, kernel), y), record(integer(made, ReferenceKernel()), y))


def test_one_pass_is_the_steps(made) -> None:
    model = integer(made, FloatKernel())
    y = latents()
    assert_equal(record(model, y, one_pass=True), record(model, y))


def test_windows_alone_are_the_windows_of_a_batch(made) -> None:
    model = integer(made, KERNELS[0])
    y = latents(3)
    alone = [record(model, y[i : i + 1])[0] for i in range(3)]
    assert_equal(record(model, y), alone)


def test_threads_and_default_dtype_do_not_matter(made) -> None:
    y = latents()
    expected, threads = record(integer(made, KERNELS[0]), y), torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        torch.set_default_dtype(torch.float64)
        assert_equal(record(integer(made, KERNELS[0]), y), expected)
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)


def test_rate_is_close_to_the_float_model(made) -> None:
    y, rates = latents(), []
    for model in (made[0], integer(made, FloatKernel())):
        counters = [Counter() for _ in y]
        with torch.inference_mode():
            code_windows(build_predictor(model, SHAPE, len(y), QUALITY), counters, y)
        rates.append(sum(counter.bits for counter in counters))
    assert rates[1] == pytest.approx(rates[0], rel=0.03)


def test_files_of_one_kernel_decode_with_another(made) -> None:
    y = latents()
    encoders = [Encoder() for _ in y]
    first, second = integer(made, KERNELS[0]), integer(made, ReferenceKernel())
    with torch.inference_mode():
        code_windows(build_predictor(first, SHAPE, len(y), QUALITY, y), encoders, y)
        decoders = [Decoder(encoder.finish()) for encoder in encoders]
        decoded = code_windows(build_predictor(second, SHAPE, len(y), QUALITY), decoders)
    assert np.array_equal(decoded, y)


def test_entropy_order_is_the_same_with_all_kernels() -> None:
    config = vary(tiny(), masking="mt")
    schedule = dataclasses.replace(config.schedule, order="entropy")
    made = exported(dataclasses.replace(config, schedule=schedule))
    y = latents()
    expected = record(integer(made, ReferenceKernel()), y)
    for kernel in KERNELS[:2]:
        assert_equal(record(integer(made, kernel), y), expected)


class Auditing(FloatKernel):
    """Refuses to multiply anything but integers."""

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        assert x.dtype == torch.int8
        return super().linear(x, weight)

    def batched(self, a: Tensor, b: Tensor) -> Tensor:
        assert torch.equal(a, a.round())
        assert torch.equal(b, b.round())
        return super().batched(a, b)


def test_only_integers_are_multiplied(made) -> None:
    record(integer(made, Auditing()), latents())


@pytest.mark.parametrize(
    ("module", "name", "slip"),
    [
        (arithmetic, "rounded", lambda x: x),
        (network, "saturated", lambda x: x.clamp(-127, 127)),
    ],
)
def test_a_float_that_slips_in_is_noticed(
    made, monkeypatch: pytest.MonkeyPatch, module, name: str, slip
) -> None:
    monkeypatch.setattr(module, name, slip)
    with pytest.raises(AssertionError):
        record(integer(made, Auditing()), latents())


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_products_are_exact_at_their_bound(kernel: Kernel) -> None:
    x = torch.full((40, 2096), 127, dtype=torch.int8)
    weight = torch.full((8, 2096), 63, dtype=torch.int8)
    weight[1::2] *= -1
    got = kernel.linear(x, kernel.prepare(weight))
    assert got.unique().tolist() == [-127 * 63 * 2096, 127 * 63 * 2096]
    assert 127 * 63 * 2096 < products.EXACT <= 127 * 63 * 2098


def test_weights_beyond_the_bound_are_refused() -> None:
    weight = torch.full((1, 2100), 63, dtype=torch.int8)
    with pytest.raises(ModelError, match="too large"):
        Linear(weight, torch.ones(1), torch.zeros(1), FloatKernel())
    with pytest.raises(ModelError, match="too large"):
        Linear(torch.tensor([[64]]).to(torch.int8), torch.ones(1), torch.zeros(1), FloatKernel())


def test_rows_are_scaled_to_stay_within_the_bound() -> None:
    integers, unit = quantise_rows(torch.ones(2, 3000))
    assert 127 * integers.to(torch.int64).abs().sum(1).max() < products.EXACT
    torch.testing.assert_close(integers * unit[:, None], torch.ones(2, 3000), rtol=0.02, atol=0)


def test_a_kernel_that_saturates_is_not_chosen() -> None:
    class Saturating(FloatKernel):
        def linear(self, x: Tensor, weight: Tensor) -> Tensor:
            return super().linear(x, weight).clamp(-32768, 32767)

    assert not products.passes(Saturating(), torch.device("cpu"))
    assert products.passes(FloatKernel(), torch.device("cpu"))
    assert products.choose(torch.device("cpu")).name in ("int8", "float32")


def test_norms_at_the_limit_of_the_stream() -> None:
    """The largest sums: 768 squares of the largest values."""
    h = torch.full((2, 768), RESIDUAL_LIMIT)
    h[1, ::2] *= -1
    gain = torch.full((768,), 100.0)
    assert rms_normed(h, gain, 1.0).unique().tolist() == [-100, 100]
    assert layer_normed(h, gain, torch.zeros(768), 1.0)[1].unique().tolist() == [-100, 100]
    assert layer_normed(h, gain, torch.zeros(768), 1.0)[0].unique().tolist() == [0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 33}, "exponentials of a window"),
        ({"width": 2080, "heads": 2}, "a query and a key"),
        ({"width": 8208, "heads": 16}, "squares of a token"),
        ({"width": 3200, "heads": 32, "style": "gelu"}, "LayerNorm"),
    ],
)
def test_sizes_that_could_overflow_are_refused(change: dict, message: str) -> None:
    check_bounds(vary(tiny(), window=32))
    with pytest.raises(ModelError, match=message):
        check_bounds(vary(tiny(), **change))


def test_attention_that_could_see_the_unseen_is_refused() -> None:
    model, tensors = exported(tiny())
    tensors["blocks.1.steps"] = torch.tensor(1e-5)
    with pytest.raises(ModelError, match="unseen"):
        IntegerEntropyModel(model.config, tensors, FloatKernel())
