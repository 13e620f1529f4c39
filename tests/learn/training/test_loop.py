import json
import os
import signal
import threading
import time

import pytest
import torch
from torch import nn

from m2t.errors import ConfigError, M2TError, ModelError
from m2t.learn import files
from m2t.learn.load import load_model
from m2t.learn.networks.model import Model
from m2t.learn.training import initial, store
from m2t.learn.training.config import RunConfig
from m2t.learn.training.distributed import World
from m2t.learn.training.trainer import MAX_SKIPPED_IN_A_ROW

from .runs import newest, records, same


def test_run_leaves_log_config_checkpoint_and_model(quick_run):
    out = quick_run("run")
    train = [record for record in records(out) if record["kind"] == "train"]
    assert [record["step"] for record in train] == [2, 4, 6, 8]
    keys = {"seconds", "loss", "bpp", "mse", "grad_norm", "crops_per_second", "pixels_per_second"}
    assert keys | {"skipped", "lr_muon", "lr_adam"} <= train[0].keys()
    [last] = [record for record in records(out) if record["kind"] == "eval"]
    aims = [(point["tune"], point["quality"]) for point in last["points"]]
    assert aims == [(tune, q) for tune in ("psnr", "eye") for q in (10, 30, 50, 70, 90)]
    assert RunConfig.load(out / "config.json").train.total_steps == 8
    model = load_model(out / "model.safetensors")
    averages = {n[4:]: t for n, t in newest(out).items() if n.startswith("ema.")}
    assert same(averages, {name: p.detach() for name, p in model.named_parameters()})


def test_loss_falls_on_one_batch(make_trainer):
    trainer = make_trainer("train.lr_slow=0.03", "train.decay_fraction=0")
    batch = trainer.crops.batch(0)
    losses = [trainer.step(batch)[0].item() for _ in range(30)]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_a_truncated_checkpoint_is_skipped(quick_run, make_trainer):
    out = quick_run("run")
    make_trainer()  # fills the same cache
    first, last = store.checkpoints(out)[-1], out / "checkpoints" / "00000009.safetensors"
    last.write_bytes(first.read_bytes()[:-100])
    trainer = make_trainer()
    args = (trainer.model, trainer.ema, trainer.optimizers, trainer.largest)
    progress = store.load_newest(out, *args)
    assert progress is not None
    assert progress["step"] == 8
    first.write_bytes(b"")
    with pytest.raises(ModelError, match="can be read"):
        store.load_newest(out, *args)


def test_a_crash_while_saving_keeps_the_old_checkpoint(make_trainer, monkeypatch):
    trainer = make_trainer()
    trainer.step(trainer.crops.batch(0))
    trainer.save()

    def crash(_tensors, path, _metadata):
        path.write_bytes(b"half a checkpoint")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(files, "save_file", crash)
        trainer.step(trainer.crops.batch(1))
        with pytest.raises(OSError, match="disk full"):
            trainer.save()
    assert make_trainer().progress.step == 1
    for _ in range(3):
        trainer.step(trainer.crops.batch(trainer.progress.step))
        trainer.save()
    assert [path.stem for path in store.checkpoints(trainer.out)] == ["00000004", "00000005"]


def test_gradients_of_micro_batches_add_up(make_trainer, monkeypatch):
    """Without noise, two halves of a batch give the gradient of the whole."""
    monkeypatch.setattr(Model, "train", lambda self, mode=True: nn.Module.train(self, False))
    gradients = []
    for accumulate in (1, 2):
        trainer = make_trainer("train.dtype=float32", f"train.accumulate={accumulate}")
        trainer.backward(trainer.crops.batch(0))
        gradients.append(trainer.model.synthesis.linear.weight.grad)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-5)


def test_steps_without_finite_gradient_are_skipped(make_trainer, monkeypatch):
    trainer = make_trainer()
    batch = trainer.crops.batch(0)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    infinite = torch.tensor([0.0, 0.0, 0.0, float("inf")])
    monkeypatch.setattr(trainer, "backward", lambda _batch: infinite)
    for _ in range(MAX_SKIPPED_IN_A_ROW - 1):
        trainer.step(batch)
    assert trainer.progress.skipped == trainer.progress.step == MAX_SKIPPED_IN_A_ROW - 1
    assert same(before, {name: p.detach() for name, p in trainer.model.named_parameters()})
    with pytest.raises(M2TError, match="diverged"):
        trainer.step(batch)


def test_graphs_need_a_gpu(make_trainer):
    with pytest.raises(ConfigError, match=r"train\.graphs is for one GPU"):
        make_trainer("train.graphs=true")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("integers", ["false", "true"])
def test_graphs_and_compiled_regions_lead_where_single_kernels_do(make_trainer, integers):
    losses, gpu = [], World(0, 1, torch.device("cuda"))
    for graphs, compiled in (("false", "false"), ("true", "false"), ("true", "true")):
        how = (f"train.graphs={graphs}", f"train.compile={compiled}")
        trainer = make_trainer(*how, f"train.integers={integers}", world=gpu)
        batch = trainer.crops.batch(0)
        losses.append(torch.tensor([trainer.step(batch)[0].item() for _ in range(10)]))
    assert losses[1][-1] < losses[1][0]
    for found in losses[1:]:
        torch.testing.assert_close(found, losses[0], rtol=0.02, atol=0)


def test_sigterm_saves_and_returns(quick_run, tmp_path):
    def stop_once_it_trains() -> None:
        log = tmp_path / "run" / "log.jsonl"
        while not log.exists() or not log.stat().st_size:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_once_it_trains, daemon=True).start()
    out = quick_run("run", "train.total_steps=100000")
    assert 0 < int(store.checkpoints(out)[-1].stem) < 100000
    assert (out / "model.safetensors").exists()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_runs_are_not_overwritten_or_mixed_up(quick_run):
    quick_run("run", minutes=0.0)
    with pytest.raises(ConfigError, match="holds a training run"):
        quick_run("run")
    with pytest.raises(ConfigError, match="another model"):
        quick_run("run", "entropy.layers=1", resume=True)


def test_init_starts_from_weights_alone(quick_run):
    first = quick_run("first")
    second = quick_run("second", init=[first / "model.safetensors"], minutes=0.0)
    a, b = (load_model(run / "model.safetensors") for run in (first, second))
    assert same(a.state_dict(), b.state_dict())
    with pytest.raises(ModelError, match="not those of this model"):
        quick_run("third", "transform.width=8", init=[first / "model.safetensors"])


def test_init_takes_transforms_and_entropy_model_each_from_where_they_fit(quick_run):
    first = quick_run("first")
    narrow = quick_run("narrow", "entropy.width=16", init=[first / "model.safetensors"])
    both = [run / "model.safetensors" for run in (narrow, first)]
    mixed = quick_run("mixed", "transform.fine_blocks=2", init=both, minutes=0.0)
    a, b, result = (
        load_model(run / "model.safetensors").state_dict() for run in (narrow, first, mixed)
    )
    enter, embed = "synthesis.enter.weight", "entropy.embed.weight"
    assert torch.equal(result[embed], b[embed])
    assert torch.equal(result[enter], a[enter])
    assert not torch.equal(result[enter], b[enter])


def test_some_parameters_may_begin_anew(quick_run):
    first = quick_run("first")
    fresh = 'train.fresh=["synthesis.enter", "synthesis.blocks"]'
    anew = quick_run("anew", fresh, init=[first / "model.safetensors"], minutes=0.0)
    a, b = (load_model(run / "model.safetensors").state_dict() for run in (first, anew))
    new = {name for name in a if not torch.equal(a[name], b[name])}
    assert "synthesis.enter.weight" in new
    assert all(name.startswith(("synthesis.enter", "synthesis.blocks")) for name in new)


def test_run_of_a_given_time(quick_run):
    out = quick_run("run", "train.total_minutes=0.02", "train.total_steps=1")
    last = records(out)[-1]
    assert last["kind"] == "eval"
    assert last["step"] > 1
    assert last["seconds"] >= 1.2


@pytest.mark.parametrize("part", ["analysis", "entropy", "synthesis"])
def test_a_part_is_trained_alone(make_trainer, part):
    trainer = make_trainer(f"train.part={part}")
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    loss, bpp, mse, norm = trainer.step(trainer.crops.batch(0)).tolist()
    assert min(loss, norm) > 0 <= min(bpp, mse)
    assert (bpp == 0) == (part == "synthesis")
    assert (mse == 0) == (part == "entropy")
    moved = {n for n, p in trainer.model.named_parameters() if not torch.equal(p, before[n])}
    assert moved
    assert all(name.startswith(f"{part}.") for name in moved)
    point = trainer.evaluate()["points"][0]
    assert min(point["bpp"], point["psnr"]) > 0


def test_linear_part(make_trainer):
    trainer = make_trainer("train.part=linear")
    moving = {n for n, p in trainer.model.named_parameters() if p.requires_grad}
    assert {"gain", "analysis.linear.weight", "synthesis.linear.bias"} < moving
    assert not any("blocks" in name and not name.startswith("entropy.") for name in moving)


def test_klt_is_a_better_start_than_noise(make_trainer, monkeypatch):
    monkeypatch.setattr(initial, "NUM_PATCHES", 1000)
    losses = [make_trainer(f"train.init={init}").evaluate()["loss"] for init in ("random", "klt")]
    assert losses[1] < 0.5 * losses[0]


def test_profile_tells_the_share_of_products(quick_run):
    out = quick_run("run", "train.profile=1")
    result = json.loads((out / "profile.json").read_text())
    for part in ("forward_backward", "step"):
        assert 0 < result[part]["share"] < 1
    names = {row["name"] for row in result["step"]["operations"] if row["product"]}
    assert "aten::convolution_backward" in names
    assert [stage["name"] for stage in result["stages"]] == ["analysis", "synthesis", "entropy"]
    for stage in result["stages"]:
        rate = stage["gflop"] / stage["ms"] * 1000
        assert stage["gflops_per_second"] == pytest.approx(rate, rel=0.05, abs=0.05)
        assert stage["product_gflops_per_second"] > 0
    assert not store.checkpoints(out)


def test_tensorboard(quick_run):
    pytest.importorskip("tensorboard")
    out = quick_run("run", "train.tensorboard=true")
    assert list((out / "tensorboard").glob("events*"))


def test_tensorboard_missing(quick_run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="m2t\\[train\\]"):
        quick_run("run", "train.tensorboard=true")
