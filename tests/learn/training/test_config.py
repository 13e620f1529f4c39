import re
from dataclasses import fields
from itertools import pairwise

import pytest

from m2t.errors import ConfigError
from m2t.learn.training.config import RunConfig, TrainConfig
from m2t.presets import PRESETS
from tests.docs.blocks import PAGES, ROOT, blocks, commands


def test_overrides_are_typed():
    """Numbers, lists, words and null-like values reach the right dataclass as the right type."""
    config = RunConfig.of_preset("tiny").override(
        [
            "train.lr_muon=1",
            "train.crops=[[4, 4], [6, 4]]",
            "train.dtype=float32",
            "train.compile=true",
            "entropy.layers=3",
            "schedule.steps = 8",
        ]
    )
    assert config.train.lr_muon == 1.0
    assert isinstance(config.train.lr_muon, float)
    assert config.train.crops == ((4, 4), (6, 4))
    assert config.train.dtype == "float32"
    assert config.train.compile is True
    assert (config.model.entropy.layers, config.model.schedule.steps) == (3, 8)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.lr=1", r"unknown option train.lr; known: train.total_steps, .*entropy.layers"),
        ("layers=1", "unknown option"),
        ("name=x", "unknown option"),
        ("train.seed", "key=value"),
        ("train.seed=1.5", "seed must be int"),
        ("train.seed=many", "cannot read 'many'"),
        ("train.compile=1", "compile must be bool"),
        ("train.dtype=float8", "dtype must be one of auto, bfloat16, float32"),
        ("train.total_steps=0", "total_steps must be at least 1"),
        ("train.ema=1.0", "ema"),
        ("train.crops=[[0, 4]]", "crops"),
        ("entropy.window=1", "window"),
    ],
)
def test_bad_overrides_say_what_is_wrong(setting, message):
    with pytest.raises(ConfigError, match=message):
        RunConfig.of_preset("tiny").override([setting])


@pytest.mark.parametrize("name", PRESETS)
def test_config_survives_its_file(tmp_path, name):
    config = RunConfig.of_preset(name)
    config.save(tmp_path / "config.json")
    assert RunConfig.load(tmp_path / "config.json") == config


def test_learning_rate_warms_up_stays_and_decays():
    config = TrainConfig(total_steps=1000, warmup_steps=10, decay_fraction=0.2)
    factors = [config.factor(step) for step in range(1000)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[400] == factors[799] == 1
    assert factors[900] == pytest.approx(0.5)
    assert factors[999] == pytest.approx(0.005)
    assert config.factor(2000) == 0  # a shortened run that is already past its end


def test_learning_rate_follows_the_clock_if_the_length_is_a_time():
    config = TrainConfig(total_steps=1, total_minutes=10, warmup_steps=0, decay_fraction=0.5)
    assert config.factor(5, seconds=299) == 1
    assert config.factor(500, seconds=450) == pytest.approx(0.5)
    assert config.done(500, seconds=600) == 1


def test_learning_rate_without_warm_up_and_decay():
    config = TrainConfig(total_steps=10, warmup_steps=0, decay_fraction=0)
    assert {config.factor(step) for step in range(10)} == {1.0}


def test_documents_set_options_that_there_are():
    shells = [block for path in PAGES for block in blocks(path.read_text())]
    found = [w for block in shells if block.language == "sh" for w in commands(block.text)]
    runs = [words for words in found if "train" in words]
    assert len(runs) > 3
    for words in runs:
        preset = words[words.index("--preset") + 1]
        settings = [value for key, value in pairwise(words) if key == "--set"]
        RunConfig.of_preset(preset).override(settings)


def test_documents_explain_options_that_there_are():
    page = (ROOT / "docs" / "training.md").read_text()
    table = page.partition("| option | meaning |")[2].partition("\n\n")[0]
    named = [
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert len(named) > 30
    assert set(named) <= {field.name for field in fields(TrainConfig)}
