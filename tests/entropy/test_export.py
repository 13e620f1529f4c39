"""How weights and channels are scaled on their way to integers."""

import dataclasses
from pathlib import Path

import torch
from PIL import Image

from m2t.checkpoint import float_tensors, read_model, save_model
from m2t.config import TransformConfig
from m2t.entropy.integer.arithmetic import EXACT, WEIGHT_LIMIT
from m2t.entropy.integer.export import balanced_units, quantise_rows
from m2t.presets import tiny
from m2t.train.export import export

from ..conftest import seeded_model


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
    seen, weight = torch.tensor([1.0, 0.01, 0.0]), torch.ones(2, 3)
    units = balanced_units(seen, weight)
    assert (seen <= 127.001 * units).all()
    assert units[0] > 5 * units[1] > units[2] > units[0] / 100


def test_transforms_are_stored_as_they_compute(tmp_path: Path) -> None:
    """bfloat16 only inside lapped transforms: others compute in float32."""
    photo = tmp_path / "photo.png"
    Image.effect_noise((64, 48), 50).convert("RGB").save(photo)
    (tmp_path / "list.txt").write_text("photo.png\nphoto.png\n")
    elic = dataclasses.replace(tiny(), transform=TransformConfig(latent_channels=12, width=8))
    for config, expected in ((tiny(), torch.bfloat16), (elic, torch.float16)):
        floats, target = tmp_path / "floats.safetensors", tmp_path / "exported.safetensors"
        save_model(floats, config, seeded_model(config).state_dict())
        export(floats, target, tmp_path / "list.txt")
        state = float_tensors(read_model(target)[1])
        dtypes = {t.dtype for n, t in state.items() if t.ndim > 1 and ".linear." not in n}
        assert dtypes == {expected}
        assert state["gain"].dtype == torch.float16
