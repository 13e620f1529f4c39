"""The paper's experiments on a tiny scale, from photographs to docs/results.md."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch

from m2t.config import Aim, EntropyConfig
from m2t.eval.results import Curve, Point, save_result
from m2t.learn.training.config import TrainConfig
from research import results_page
from research.paper import __main__ as command
from research.paper import fitting
from research.paper.cases import EXPERIMENTS, Case
from research.paper.findings import FINDINGS
from research.paper.fitting import fit
from research.paper.run import Setup, bits, run
from research.paper.scales import SCALES, Scale
from research.paper.tokens import Tokens, num_pixels, tokens_of

from ..conftest import photograph

TINY = Scale(
    EntropyConfig(window=8, width=16, layers=1, heads=2, mlp_width=16),
    TrainConfig(total_steps=30, batch_tokens=256, warmup_steps=2, ema=0.9),
    aim=Aim(60),
    channels=6,
    train_images=3,
    sweep_images=1,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for i in range(3):
        photograph(160, 130, seed=i).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def setup(codec, folder, tmp_path):
    paths = sorted(folder.iterdir())
    return Setup(codec, TINY, paths, paths[:2], tmp_path)


def test_tokens_are_kept(setup, codec, folder, tmp_path):
    first = setup.train
    again = tokens_of(codec, sorted(folder.iterdir()), TINY.aim, tmp_path)
    assert len(list(tmp_path.glob("tokens_*.npz"))) == 1
    for a, b in zip(first.images, again.images, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.images[0].shape == (9, 10, 12)


def test_whole_windows():
    image = np.arange(9 * 20 * 2, dtype=np.int16).reshape(9, 20, 2)
    tokens = Tokens([image, image[:7]]).whole_windows(8)
    assert [i.shape for i in tokens.images] == [(8, 16, 2)]
    assert num_pixels(tokens) == 8 * 16 * 256
    assert tokens.of_channels(1).images[0].shape == (8, 16, 1)


def test_batches_are_windows_and_repeat():
    image = np.arange(100, dtype=np.int16).reshape(10, 10, 1)
    tokens = Tokens([image, image[:3]])
    batch = tokens.batch(5, 4, 6)
    np.testing.assert_array_equal(batch, tokens.batch(5, 4, 6))
    assert (batch != tokens.batch(6, 4, 6)).any()
    for window in batch:
        top, left = divmod(int(window[0, 0, 0]), 10)
        np.testing.assert_array_equal(window, image[top : top + 6, left : left + 6])


def rate(model, case, setup):
    tokens = setup.test.of_channels(6)
    return bits(model, case.model(TINY), tokens, TINY.aim) / num_pixels(tokens)


@pytest.mark.parametrize("masking", ["mt", "m2t"])
def test_training_lowers_the_rate_and_happens_once(setup, masking, monkeypatch):
    case = Case(masking, steps=3)
    tokens = setup.train.of_channels(6)
    short = dataclasses.replace(TINY.train, total_steps=1)
    untrained = fit(case.trained(TINY), short, tokens, TINY.aim, setup.work)
    trained = fit(case.trained(TINY), TINY.train, tokens, TINY.aim, setup.work)
    assert rate(trained, case, setup) < 0.95 * rate(untrained, case, setup)

    def fail(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(fitting, "_train", fail)
    again = fit(case.trained(TINY), TINY.train, tokens, TINY.aim, setup.work)
    assert rate(again, case, setup) == rate(trained, case, setup)
    with pytest.raises(AssertionError):
        fit(case.trained(TINY), TINY.train, setup.test.of_channels(6), TINY.aim, setup.work)


def test_bits_are_those_of_the_model(setup):
    case = Case("m2t", steps=64, alpha=1.0)
    tokens = setup.test.of_channels(6)
    model = fit(case.trained(TINY), TINY.train, tokens, TINY.aim, setup.work)
    window = torch.from_numpy(tokens.images[0][:, :8].astype(np.float32))[None]
    t = torch.tensor([case.model(TINY).rate.t(TINY.aim)])
    with torch.no_grad():
        expected = float(model(window, window, t).sum())
    found = bits(model, case.model(TINY), Tokens([tokens.images[0][:, :8]]), TINY.aim)
    assert found == pytest.approx(expected, rel=0.01)


def test_mt_is_trained_once_for_all_schedules():
    configs = {case.trained(TINY).to_json() for case in EXPERIMENTS["figure5"](TINY)}
    assert len(configs) == 1
    assert len({case.trained(TINY).to_json() for case in EXPERIMENTS["masking"](TINY)}) == 5


def test_shares_train_every_model_once(setup, folder, monkeypatch, weights):
    brief = dataclasses.replace(TINY.train, total_steps=1)
    monkeypatch.setitem(SCALES, "tiny", dataclasses.replace(TINY, train=brief))
    words = ["x", "masking", "mixtures", "--scale", "tiny", "--model", weights, "--train", folder]
    words += ["--test", folder, "--work", setup.work, "--out", setup.work / "results"]
    found = []
    for share in ("0/2", "1/2"):
        monkeypatch.setattr(sys, "argv", list(map(str, [*words, "--share", share])))
        command.main()
        found.append(len(list(setup.work.glob("*.safetensors"))))
    assert found == [4, 7]  # M2T for four numbers of steps, MT with one to three mixtures
    monkeypatch.setattr(fitting, "_train", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    command.main()
    assert len(list((setup.work / "results").glob("*_tiny.json"))) == 2


def test_table1_counts_the_error_of_missing_channels(setup):
    rows = run("table1", setup)
    assert [row["channels"] for row in rows] == [6, 6, 10]
    assert rows[0]["percent"] == 0
    assert rows[2]["mse"] < rows[0]["mse"] == rows[1]["mse"]


def test_from_photographs_to_the_page(setup, folder, tmp_path, monkeypatch, weights):
    brief = dataclasses.replace(TINY.train, total_steps=3)
    monkeypatch.setitem(SCALES, "tiny", dataclasses.replace(TINY, train=brief))
    results = tmp_path / "results"
    times = {"encode_seconds": 0.002, "decode_seconds": 0.001}
    curve = Curve("JPEG", "kodak", "measured", (Point("quality 30", 0.61, 30, **times),))
    rate = {"anchor": "jpeg", "codec": "JPEG", "metric": "psnr", "method": "pchip"}
    rate |= {"percent": -45.0, "low": 1.0, "high": 2.0}
    save_result(results / "anchors/jpeg.json", curve)
    for name in ("kodak_light", "kodak_light_psnr"):
        save_result(results / f"{name}.json", curve, bd_rates=[rate])
    words = ["x", *EXPERIMENTS, "--scale", "tiny", "--model", weights, "--train", folder]
    words += ["--test", folder, "--work", setup.work, "--out", results / "experiments"]
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    command.main()
    record = json.loads((results / "experiments" / "figure5_tiny.json").read_text())
    assert len(record["rows"]) == 64
    assert str(folder) not in record["command"]
    page = tmp_path / "results.md"
    words = ["x", "--results", results, "--scale", "tiny", "--out", page]
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    results_page.main()
    text = page.read_text()
    assert "experiments/figure5_tiny.svg" in text
    assert (results / "experiments/figure5_tiny.svg").read_text().startswith("<?xml")
    for finding in FINDINGS.values():
        assert f"### {finding.title}\n" in text
    assert text.count("**Here.**") == len(FINDINGS) == len(EXPERIMENTS)
    assert "| JPEG | −45.0 % | 0.610 | 30.00 | 0.002 | 0.001 |" in text


@pytest.mark.parametrize("name", SCALES)
def test_scales_are_sound(name):
    for cases in EXPERIMENTS.values():
        for case in cases(SCALES[name]):
            assert case.model(SCALES[name]).transform.latent_channels in (192, 320)
