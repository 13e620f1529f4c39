import dataclasses
import json

import pytest

from m2t.config import Aim, EntropyConfig, ModelConfig, RateConfig, ScheduleConfig, TransformConfig
from m2t.errors import ConfigError
from m2t.presets import PRESETS, preset


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trip(name: str) -> None:
    config = preset(name)
    assert ModelConfig.from_json(config.to_json()) == config
    assert json.loads(config.to_json())["name"] == name


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ScheduleConfig(steps=0), "steps must be in"),
        (lambda: ScheduleConfig(alpha=2.25), "multiple of 0.1"),
        (lambda: EntropyConfig(width=100, heads=7), "multiple of heads"),
        (lambda: EntropyConfig(head="sliced"), "slices belong"),
        (lambda: EntropyConfig(window=1), "window must be in"),
        (lambda: TransformConfig(kind="lapped"), "render_width belongs"),
        (lambda: RateConfig(lmbda_min=2.0, lmbda_max=1.0), "lmbda_min must be"),
        (lambda: ModelConfig(schedule=ScheduleConfig(order="entropy")), 'needs masking "mt"'),
        (lambda: ModelConfig(schedule=ScheduleConfig(alpha=0.5)), "alpha of at least 1"),
        (lambda: preset("huge"), "known: paper, light, tiny"),
        (lambda: ModelConfig.from_json("{"), "not JSON"),
        (lambda: ModelConfig.from_json("[]"), "must be an object"),
        (lambda: ModelConfig.from_json('{"nam": "x"}'), "unknown option nam"),
        (lambda: ModelConfig.from_json('{"name": 3}'), "name must be str"),
        (lambda: ModelConfig.from_json('{"schedule": {"order": "zigzag"}}'), "one of qlds"),
        (lambda: ModelConfig.from_json('{"entropy": {"slices": 3}}'), "must be a list"),
    ],
)
def test_contradictions_are_refused_when_built(build, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()


def test_slices_must_make_the_channels() -> None:
    light = preset("light")
    with pytest.raises(ConfigError, match="slices sum to 320, latent_channels is 64"):
        dataclasses.replace(
            light, transform=dataclasses.replace(light.transform, latent_channels=64)
        )


def test_quality_is_a_geometric_ladder_of_lambdas() -> None:
    rate = RateConfig(lmbda_min=0.001, lmbda_max=0.1)
    assert rate.lmbda(Aim(1)) == pytest.approx(0.001)
    assert rate.lmbda(Aim(100)) == pytest.approx(0.1)
    assert rate.lmbda_mid == pytest.approx(0.01)
    ratios = [rate.lmbda(Aim(q + 1)) / rate.lmbda(Aim(q)) for q in range(1, 100)]
    assert min(ratios) == pytest.approx(max(ratios))
    with pytest.raises(ConfigError, match="not 101"):
        rate.lmbda(Aim(101))
