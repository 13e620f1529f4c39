"""Dead units found, and started anew."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from m2t.learn import revive as module
from m2t.learn.files import save_model
from m2t.learn.load import load_model
from m2t.learn.networks.elic import ElicSynthesis
from m2t.learn.networks.model import Model
from m2t.learn.networks.units import units_of
from m2t.learn.revive import activities, revive
from m2t.learn.training.data import open_centre
from m2t.presets import tiny

from ..conftest import photograph, vary
from .conftest import seeded_model

KILLED = {
    "synthesis.spread": [1, 2, 5],
    "synthesis.blocks.0.second": [0],
    "synthesis.fine.blocks.0.second": [1, 7],
    "entropy.blocks.1.mlp_out": [4, 20, 47],
    "entropy.head.out.0": [3],
    "entropy.head.out.2": [0, 15],
    "entropy.quality.2": [8, 9, 10, 11],
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photographs, and one that is less than a token."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(4):
        photograph(96, 96, seed=i).save(folder / f"{i}.png")
    photograph(8, 8).save(folder / "small.png")
    return folder


@pytest.fixture(scope="module")
def crops(images: Path) -> list[Tensor]:
    return [open_centre(images / f"{i}.png", 6) for i in range(4)]


@pytest.fixture(scope="module")
def killed() -> Model:
    """A model whose every layer of units has an effect, and some of whose units are dead."""
    model = seeded_model(tiny())
    with torch.no_grad():
        for name, parameter in model.synthesis.named_parameters():
            if "block" in name or "leave" in name:
                parameter.add_(torch.randn_like(parameter), alpha=0.05)
        for name, units in units_of(model).items():
            units.shifts[0][KILLED.get(name, [])] = -1e3
    return model


@pytest.fixture(scope="module")
def revived(killed: Model, crops: list[Tensor]) -> Model:
    model = copy.deepcopy(killed)
    revive(model, crops)
    return model


def outputs(model: Model, crop: Tensor) -> tuple[Tensor, Tensor]:
    t = torch.tensor([[-1.0, 0.0], [0.5, 1.0]])
    with torch.inference_mode():
        return tuple(model(crop.expand(2, -1, -1, -1).float() / 255, t))


def test_every_layer_of_units_is_known() -> None:
    names = list(units_of(seeded_model(tiny())))
    assert set(KILLED) < set(names)
    assert len(names) == 1 + 2 + 2 + 3 + 1  # stream, blocks, MLPs, slices, quality
    for units in units_of(seeded_model(tiny())).values():
        (count,) = units.shifts[0].shape
        assert all(len(rows) == count for rows in units.rows)
        assert all(columns.shape[1] == count for columns in units.columns)


def test_units_of_elics_bottlenecks_are_known_and_gelu_has_none() -> None:
    found = units_of(ElicSynthesis(tiny().transform))
    assert len(found) > 10
    assert len(found) % 2 == 0
    gelu = units_of(seeded_model(vary(tiny(), style="gelu")))
    assert gelu
    assert not any("mlp" in name for name in gelu)


def test_the_table_tells_what_is_dead(killed: Model, crops: list[Tensor]) -> None:
    for row in revive(copy.deepcopy(killed), crops):
        assert row.num_units >= row.num_revived >= row.num_dead >= len(KILLED.get(row.reader, []))
    dead = {name: (a == 0).nonzero().flatten() for name, a in activities(killed, crops).items()}
    assert all(set(units) <= set(dead[name].tolist()) for name, units in KILLED.items())


def test_outputs_stay_as_they_were(killed: Model, revived: Model, crops: list[Tensor]) -> None:
    for crop in crops:
        for before, after in zip(outputs(killed, crop), outputs(revived, crop), strict=True):
            torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)


def test_revived_units_are_active(revived: Model, crops: list[Tensor]) -> None:
    shares = activities(revived, crops)
    for name, units in KILLED.items():
        if name != "entropy.quality.2":
            assert all(0.1 < share < 0.5 for share in shares[name][units]), name
    assert (shares["entropy.quality.2"][KILLED["entropy.quality.2"]] > 0).sum() >= 2
    assert all((activity > 0).all() for name, activity in shares.items() if "quality" not in name)


def test_gradients_reach_revived_units(revived: Model, crops: list[Tensor]) -> None:
    model = copy.deepcopy(revived)
    x = crops[0].float() / 255
    out = model(x, torch.tensor([[0.5, 1.0]]))
    (out.bits.sum() / x[0, 0].numel() + 1e3 * (out.x_hat - x).square().mean()).backward()
    for name, units in KILLED.items():
        if name != "entropy.quality.2":  # which this quality need not make active
            grad = model.get_parameter(f"{name}.weight").grad
            assert grad is not None
            assert (grad[:, units].transpose(0, 1).flatten(1).norm(dim=1) > 0).all(), name


def test_rows_are_as_long_as_those_of_the_living(killed: Model, crops: list[Tensor]) -> None:
    """Also where a unit that is hardly active has one that ran away."""
    model = copy.deepcopy(killed)
    name, dead = "entropy.blocks.1.mlp_out", KILLED["entropy.blocks.1.mlp_out"]
    units = units_of(model)[name]
    rows = units.rows[0]
    rows[dead] *= 1e7
    units.shifts[0][dead] = -1e10
    others = torch.ones(len(rows), dtype=torch.bool)
    others[dead] = False
    revive(model, crops)
    norms = rows.norm(dim=1)
    assert norms[others].min() < norms[dead].min()
    assert norms[dead].max() < norms[others].max()


def test_runaway_units_start_anew_though_they_are_not_dead(
    killed: Model, crops: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = copy.deepcopy(killed)
    name = "entropy.blocks.0.mlp_out"
    units, index = units_of(model)[name], 5
    seen: list[Tensor] = []
    reader = model.get_submodule(name)
    units.rows[0][index] *= 100
    units.shifts[0][index] = 1e5  # positive everywhere: see what it gets
    handle = reader.register_forward_pre_hook(lambda _, x: seen.append(x[0][..., index].flatten()))
    activities(model, crops)
    handle.remove()
    units.shifts[0][index] = 1e5 - float(torch.cat(seen).quantile(0.995))
    share = float(activities(model, crops)[name][index])
    assert module.DEAD < share < module.RARE
    row = next(row for row in revive(model, crops) if row.reader == name)
    assert row.num_revived > row.num_dead
    assert activities(model, crops)[name][index] > 0.1


def test_the_same_twice(killed: Model, revived: Model, crops: list[Tensor]) -> None:
    again = copy.deepcopy(killed)
    revive(again, crops)
    for name, tensor in revived.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert sum(row.num_revived for row in revive(again, crops)) <= len(KILLED["entropy.quality.2"])


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run(*arguments: object) -> None:
        monkeypatch.setattr("sys.argv", ["revive", *map(str, arguments)])
        module.main()

    return run


def test_the_command_writes_weights_and_a_table(
    killed: Model,
    crops: list[Tensor],
    images: Path,
    tmp_path: Path,
    command: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    weights, out = tmp_path / "a.safetensors", tmp_path / "new" / "b.safetensors"
    save_model(weights, killed.config, killed.state_dict())
    command(weights, out, "--images", images)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    table = {name: [int(n) for n in numbers] for name, *numbers in lines[1:]}
    assert set(table) == set(units_of(killed))
    assert table["entropy.blocks.1.mlp_out"][0] == killed.config.entropy.mlp_width
    assert all(table[name][1] >= len(units) for name, units in KILLED.items())
    before, after = (outputs(m, crops[0]) for m in (killed, load_model(out)))
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)
    written = out.read_bytes()
    with pytest.raises(SystemExit, match=r"m2t: error: .*b\.safetensors exists already; -f over"):
        command(weights, out, "--images", images)
    command(weights, out, "--images", images, "-f")
    assert out.read_bytes() == written


def test_bad_input_is_one_line(killed: Model, tmp_path: Path, command: Callable[..., None]) -> None:
    weights, out, photos = tmp_path / "a.safetensors", tmp_path / "b.safetensors", tmp_path / "list"
    save_model(weights, killed.config, killed.state_dict())
    for i in range(2):
        photograph(8, 8, seed=i).save(tmp_path / f"{i}.png")
    (tmp_path / "no.safetensors").write_text("no")
    photos.write_text("0.png\n1.png\n")
    for source, data, message in (
        (weights, tmp_path / "none", "cannot read"),
        (weights, photos, "16x16"),
        (tmp_path / "no.safetensors", photos, "no.safetensors"),
    ):
        with pytest.raises(SystemExit, match=f"m2t: error: .*{message}") as caught:
            command(source, out, "--images", data)
        assert "\n" not in str(caught.value)
        assert not out.exists()
