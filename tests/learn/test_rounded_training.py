"""A float model that rounds as its integer version does."""

import numpy as np
import torch

from m2t.learn.integers.calibrate import calibrate
from m2t.learn.integers.entropy_to_floats import restore
from m2t.learn.integers.entropy_to_integers import LOG_STEP, attention_units, export
from m2t.learn.integers.rounded_training import imitate_integers, rounded, through
from m2t.learn.networks.transformer import EntropyModel
from m2t.presets import tiny

from .conftest import seeded_model


def tokens(count: int, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(np.rint(3 * rng.standard_normal((count, 5, 6, 12)))).float()


def test_activations_count_in_units_of_the_largest_seen() -> None:
    largest: dict[str, torch.Tensor] = {}

    def seen(x: torch.Tensor, training: bool) -> torch.Tensor:
        return rounded(x, "qkv", largest, training)

    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1, 2, 9, 0])
    y = seen(x, training=True)
    units = x.abs().amax(0).clamp_min(1e-3) / 127
    torch.testing.assert_close((y / units).round() * units, y)
    assert ((y - x).abs() <= 0.501 * units).all()
    assert (seen(10 * x, training=False).abs() <= 127.001 * units).all()
    assert (seen(10 * x, training=True).abs().amax(0)[:3] > 1000 * units[:3]).all()


def test_gradients_pass_through_rounding() -> None:
    x = torch.linspace(-1, 1, 9, requires_grad=True)
    (through(x, 0.3) * torch.arange(9)).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.arange(9.0))


def test_rounding_costs_as_much_as_it_will_in_integers() -> None:
    """With weights that have been through integers, activations are what is left to round."""
    config = tiny()
    y, t = tokens(8), torch.stack((torch.linspace(-1, 1, 8), torch.arange(8.0) % 2), 1)
    first = seeded_model(config, 0).entropy.eval()
    model = EntropyModel(config).eval()
    model.load_state_dict(restore(config, export(first, config, calibrate(first, [(y, t)]))))
    with torch.no_grad():
        plain = model(y, y, t)
        imitate_integers(model)
        imitated = model(y, y, t)
    assert abs(float(imitated.mean() / plain.mean()) - 1) < 0.01  # errors may cancel
    assert (imitated - plain).abs().mean() > 1e-4


def test_tokens_around_a_slot_count_in_logarithmic_steps() -> None:
    model = seeded_model(tiny(), 0).entropy.eval()
    imitate_integers(model)
    seen = []
    model.neighbours.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(tokens(1), tokens(1), torch.zeros(1, 2))
    steps = seen[0] / LOG_STEP
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)


def test_units_of_an_attention_keep_its_channels_in_8_bits() -> None:
    qkv = torch.rand(3, 12, generator=torch.Generator().manual_seed(0)) * torch.logspace(-2, 1, 12)
    attended = qkv[2] * torch.linspace(0.1, 1, 12)
    units, product, share = attention_units(qkv, attended)
    torch.testing.assert_close(units[0] * units[1], product.expand(12))
    assert (qkv <= 127.01 * units).all()
    assert (attended <= 127.01 * share * units[2]).all()
