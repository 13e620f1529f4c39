"""How weights and channels are scaled on their way to integers."""

import dataclasses
from pathlib import Path

import torch
from PIL import Image

from m2t.config import ModelConfig, TransformConfig
from m2t.engine.arithmetic import EXACT, WEIGHT_LIMIT
from m2t.learn.export import export, windows
from m2t.learn.files import save_model, tensors_of
from m2t.learn.integers.rounding import channel_units, quantise_layer, quantise_rows
from m2t.learn.load import UNITS, float_tensors
from m2t.presets import tiny
from m2t.weights import read_weights
from m2t.weights.file import INTEGER

from .conftest import seeded_model


def test_rows_are_scaled_to_stay_within_the_bound() -> None:
    integers, unit = quantise_rows(torch.ones(2, 3000))
    assert 127 * integers.to(torch.int64).abs().sum(1).max() < EXACT
    torch.testing.assert_close(integers * unit[:, None], torch.ones(2, 3000), rtol=0.02, atol=0)


def test_a_rows_outlier_is_clipped_where_the_others_gain_more() -> None:
    weight = torch.randn(4, 4000, generator=torch.Generator().manual_seed(0))
    integers, unit = quantise_rows(weight)
    plain = weight.abs().amax(1, keepdim=True) / WEIGHT_LIMIT
    errors = [
        (w - weight).square().sum(1)
        for w in (integers * unit[:, None], (weight / plain).round() * plain)
    ]
    assert integers.abs().max() == WEIGHT_LIMIT
    assert (errors[0] < 0.98 * errors[1]).all()


def test_quiet_channels_get_finer_units_within_bounds() -> None:
    seen = torch.tensor([1.0, 1.0, 1.0, 0.01, 1e-9])
    units = channel_units(seen)
    assert (seen <= 127.001 * units).all()
    assert units[0] > 50 * units[3] > units[4] > units[0] / 10000


def test_channels_that_were_never_active_get_the_usual_unit() -> None:
    seen = torch.tensor([4.0, 0.0, 1.0, 0.01, 0.0])
    units, living = channel_units(seen), seen > 0
    torch.testing.assert_close(units[living], channel_units(seen[living]))
    torch.testing.assert_close(units[~living], units[2].expand(2))


def test_a_value_far_beyond_all_others_does_not_make_their_units_coarse():
    largest = torch.linspace(1, 5, 40)
    expected = channel_units(largest)
    largest[7] = 1e9
    units = channel_units(largest)
    others = torch.arange(40) != 7
    torch.testing.assert_close(units[others], expected[others])
    assert 5 / 127 < units[7] < 1


def test_units_of_channels_that_are_all_silent_are_not_zero():
    units = channel_units(torch.zeros(5))
    assert (units > 0).all()


def test_columns_make_up_for_the_errors_of_others() -> None:
    """Where inputs move together, or never, the outputs lose less than rounding by itself would."""
    generator = torch.Generator().manual_seed(0)
    inputs = (
        torch.randn(500, 8, generator=generator) @ torch.randn(8, 40, generator=generator)
    ).double()
    inputs = 30 * inputs + 5 * torch.randn(500, 40, generator=generator)
    inputs[:, 3] = 0
    weight = torch.randn(16, 40, generator=generator).double()
    plain, unit = quantise_rows(weight)
    better, same_unit = quantise_layer(weight, inputs.T @ inputs / 500)
    assert torch.equal(unit, same_unit)
    assert better.abs().max() <= WEIGHT_LIMIT
    errors = [((q * unit[:, None] - weight) @ inputs.T).square().mean() for q in (plain, better)]
    assert errors[1] < 0.3 * errors[0]


def test_sums_stay_within_the_bound_when_columns_make_up_for_others() -> None:
    weight = torch.ones(2, 3000, dtype=torch.float64)
    integers, _ = quantise_layer(weight, torch.ones(3000, 3000, dtype=torch.float64))
    assert 127 * integers.to(torch.int64).abs().sum(1).max() < EXACT


def exported(config: ModelConfig, folder: Path) -> tuple[dict[str, torch.Tensor], ...]:
    """Float weights, and what they become in a file."""
    photo = folder / "photo.png"
    Image.effect_noise((64, 48), 50).convert("RGB").save(photo)
    (folder / "list.txt").write_text("photo.png\nphoto.png\n")
    floats, target = folder / "floats.safetensors", folder / "exported.safetensors"
    state = seeded_model(config).state_dict()
    save_model(floats, config, state)
    export(floats, target, folder / "list.txt")
    return state, tensors_of(read_weights(target))


def odd() -> ModelConfig:
    """The core cannot compute with its widths, so that its transforms stay floats."""
    transform = dataclasses.replace(tiny().transform, width=12)
    return dataclasses.replace(tiny(), transform=transform)


def test_transforms_are_stored_as_they_compute(tmp_path: Path) -> None:
    """bfloat16 only inside lapped transforms: others compute in float32."""
    elic = dataclasses.replace(tiny(), transform=TransformConfig(latent_channels=12, width=8))
    for config, inside in ((odd(), {torch.bfloat16, torch.int8}), (elic, {torch.float16})):
        _, state = exported(config, tmp_path)
        transforms = {n: t for n, t in state.items() if not n.startswith(INTEGER) and t.ndim > 1}
        assert {t.dtype for n, t in transforms.items() if ".linear." not in n} == inside
        assert {t.dtype for n, t in transforms.items() if ".linear." in n} <= {torch.float16}
        assert state["gain"].dtype == torch.float16


def test_blocks_of_transforms_take_7_bits(tmp_path: Path) -> None:
    floats, state = exported(odd(), tmp_path)
    name = "synthesis.blocks.0.first.weight"
    assert state[name].dtype == torch.int8
    assert state[name].abs().max() == WEIGHT_LIMIT
    units = state[name + UNITS]
    back = float_tensors(state)
    error = (back[name] - floats[name]).abs().amax((1, 2, 3))
    assert (error <= 0.5001 * units).float().mean() > 0.5  # in other rows, outliers are clipped
    assert ((back[name] - floats[name]).square().mean() / floats[name].square().mean()) < 0.001
    assert back.keys() == {n for n in floats if not n.startswith("entropy.")}


def test_calibration_sees_windows_of_many_shapes_and_qualities(tmp_path: Path) -> None:
    for i in range(4):
        Image.effect_noise((112, 112), 50).convert("RGB").save(tmp_path / f"{i}.png")
    seen = [
        (y.shape[1:3], tuple(t[0].tolist())) for y, t in windows(seeded_model(tiny()), tmp_path, 4)
    ]
    shapes = {shape for shape, _ in seen}
    assert all(3 <= side <= 6 for shape in shapes for side in shape)
    assert len(shapes) == 16  # all of them
    tunes = [tune for _, (_, tune) in seen]
    assert tunes.count(0) == tunes.count(1)
    assert len({t for _, t in seen}) >= 4 * 4
