import pytest
import torch
from torch import nn

from m2t.config import RateConfig
from m2t.learn.networks.model import Model
from m2t.learn.ssimulacra2 import distances
from m2t.learn.training import soap
from m2t.learn.training.config import TrainConfig
from m2t.learn.training.data import Crops, open_images
from m2t.learn.training.ema import Ema
from m2t.learn.training.loss import draw_aims, rate_distortion
from m2t.learn.training.optim import (
    Muon,
    as_matrices,
    build_optimizers,
    orthogonalise,
    set_learning_rates,
)
from m2t.learn.training.soap import Soap
from m2t.presets import tiny


def test_orthogonalise_brings_singular_values_near_one():
    torch.manual_seed(0)
    for rows, cols in ((32, 32), (24, 96), (96, 24)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(4, rows, cols)).float())
        assert 0.7 < values.min() < values.max() < 1.2


def test_orthogonalise_keeps_the_singular_vectors():
    torch.manual_seed(0)
    matrix = torch.randn(1, 16, 64)
    u, _, vt = torch.linalg.svd(matrix[0], full_matrices=False)
    product = u.T @ orthogonalise(matrix)[0].float() @ vt.T
    assert (product - torch.eye(16)).abs().max() < 0.3


def _muon_step(*params: nn.Parameter, mixed: bool = False) -> None:
    for i, param in enumerate(params):
        param.grad = torch.randn(param.shape, generator=torch.Generator().manual_seed(i))
    Muon(params, lr=0.1, weight_decay=0.5, mixed=mixed).step()


@pytest.mark.parametrize("mixed", [False, True])
def test_muon_updates_together_as_one_by_one(mixed):
    shapes = [(8, 4, 3, 3), (8, 36), (8, 36), (36, 8), (2, 8, 36), (130, 4), (5, 150), (9, 600)]
    together = [nn.Parameter(torch.ones(shape)) for shape in shapes]
    _muon_step(*together, mixed=mixed)
    for i, shape in enumerate(shapes):
        alone = nn.Parameter(torch.ones(shape))
        alone.grad = torch.randn(shape, generator=torch.Generator().manual_seed(i))
        Muon([alone], lr=0.1, weight_decay=0.5).step()
        torch.testing.assert_close(alone, together[i], rtol=0, atol=1e-3)


@pytest.mark.parametrize(("shape", "norm"), [((64, 16, 3, 3), 0.1), ((64, 16), 0.2)])
def test_muon_update_has_the_promised_norm(shape, norm):
    """The learning rate, times the root of rows / columns for a tall matrix."""
    param = nn.Parameter(torch.zeros(shape))
    if len(shape) == 4:
        param.data = param.data.to(memory_format=torch.channels_last)
    _muon_step(param)
    [matrix] = as_matrices(param.detach())
    assert 0.85 < torch.linalg.matrix_norm(matrix, ord=2) / norm < 1.2


@pytest.mark.parametrize("shape", [(8, 12, 1, 1), (8, 12)])
def test_muon_moves_a_layer_as_if_its_inputs_were_even(shape):
    inputs = torch.diag(torch.logspace(0, 2, 12))
    param = nn.Parameter(torch.zeros(shape))
    param.grad = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    Muon([param], lr=0.1, inputs={param: inputs}).step()
    [moved] = as_matrices(param.detach()) @ inputs.inverse()
    values = torch.linalg.svdvals(moved)
    assert 0.07 < values.min() < values.max() < 0.12


def test_every_parameter_has_one_optimiser_and_its_rate(photos, tmp_path):
    crops = Crops(open_images(photos, tmp_path), TrainConfig(crops=((4, 4),)))
    config = TrainConfig(total_steps=10, warmup_steps=2, lr_muon=4.0, lr_adam=2.0, lr_slow=1.0)
    model = Model(tiny())
    optimizers = build_optimizers(model, config, crops)
    set_learning_rates(optimizers, config, step=0)
    groups = {name: optimizer.param_groups[0] for name, optimizer in optimizers.items()}
    assert {name: group["lr"] for name, group in groups.items()} == {
        "muon": 2.0,
        "adam": 1.0,
        "slow": 0.5,
    }
    params = [id(param) for group in groups.values() for param in group["params"]]
    assert sorted(params) == sorted(map(id, model.parameters()))
    assert min(param.ndim for param in groups["muon"]["params"]) >= 2


def test_soap_does_not_depend_on_the_basis():
    """Gradients that are rotated on both sides lead to weights that are rotated alike."""
    torch.manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(n, n)).Q for n in (6, 6))
    grads = torch.randn(15, 6, 6)
    plain, rotated = (nn.Parameter(torch.zeros(6, 6)) for _ in range(2))
    for param, turned in ((plain, grads), (rotated, left @ grads @ right)):
        optimizer = Soap([param], lr=0.1, frequency=4)
        for grad in turned:
            param.grad = grad.clone()
            optimizer.step()
    assert plain.abs().mean() > 0.1
    torch.testing.assert_close(left @ plain @ right, rotated, atol=1e-3, rtol=1e-3)


def test_soap_is_adam_for_sides_that_are_too_long(monkeypatch):
    monkeypatch.setattr(soap, "LARGEST", 2)
    params = [nn.Parameter(torch.zeros(4, 3, 2, 2)) for _ in range(2)]
    adam = torch.optim.Adam([params[0]], lr=0.1, betas=(0.95, 0.95))
    soap_too = Soap([params[1]], lr=0.1)
    params[1].grad = torch.zeros(params[1].shape)
    soap_too.step()  # the first gradient only finds a basis
    for optimizer, param in zip((adam, soap_too), params, strict=True):
        for i in range(5):
            param.grad = torch.randn(param.shape, generator=torch.Generator().manual_seed(i))
            optimizer.step()
    torch.testing.assert_close(*params)


def test_soap_leaves_what_has_no_gradient():
    param = nn.Parameter(torch.ones(4, 4))
    Soap([param], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(param, torch.ones(4, 4))


def test_ema_follows_parameters_and_leaves_buffers():
    model = nn.Linear(2, 1, bias=False)
    model.register_buffer("mask", torch.tensor([-torch.inf]))
    nn.init.zeros_(model.weight)
    ema = Ema(model, decay=0.5)
    nn.init.ones_(model.weight)
    ema.update(model, step=0)  # still warming up: 1/10 of the old
    assert torch.allclose(ema.average["weight"], torch.tensor(0.9))
    ema.update(model, step=1000)
    assert torch.allclose(ema.average["weight"], torch.tensor(0.95))
    assert ema.state_dict(model)["mask"].item() == -torch.inf
    with ema.applied(model):
        assert torch.allclose(model.weight, torch.tensor(0.95))
    assert torch.equal(model.weight, torch.ones(1, 2))


def test_loss_is_rate_plus_lambda_distortion():
    rate = RateConfig(lmbda_min=0.01, lmbda_max=0.04)
    x, t = torch.zeros(2, 3, 4, 8), torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    x_hat, bits = torch.full_like(x, 10 / 255), torch.tensor([32.0, 64.0])
    loss = rate_distortion(x, x_hat, bits, t, rate, TrainConfig())
    # (1 + 0.01 * 100) / sqrt(1 / 2) and (2 + 0.04 * 100) / sqrt(2)
    torch.testing.assert_close(loss.loss, torch.tensor((2 * 2**0.5 + 6 / 2**0.5) / 2))
    even = rate_distortion(x, x_hat, bits, t, rate, TrainConfig(weighting=0.0))
    torch.testing.assert_close(even.loss, torch.tensor((2 + 6) / 2))
    torch.testing.assert_close(loss.bpp, torch.tensor(1.5))
    torch.testing.assert_close(loss.mse, torch.tensor(100.0))


def test_the_eyes_loss_mixes_squared_error_and_what_is_seen():
    rate = RateConfig(eye=((1, -1.0), (100, 1.0)))
    options = TrainConfig(tune="both", eye_share=0.75, eye_rate=2.0)
    x = torch.rand(2, 3, 32, 32)
    x_hat = x + 0.1 * torch.randn_like(x)
    t = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    mse = 255**2 * (x_hat - x).square().mean((1, 2, 3))
    seen = 2 * distances(x, x_hat)
    found = rate_distortion(x, x_hat, torch.zeros(2), t, rate, options)
    expected = rate.lmbda_mid * (mse[0] + 0.25 * mse[1] + 0.75 * seen[1]) / 2
    torch.testing.assert_close(found.loss, expected)


def test_qualities_are_even_and_repeatable():
    rate, options = RateConfig(), TrainConfig(seed=1)
    aims = draw_aims(rate, options, 100, step=5)
    assert torch.equal(aims, draw_aims(rate, options, 100, step=5))
    assert not torch.equal(aims, draw_aims(rate, options, 100, step=6))
    shares = (aims[:, 0] + 1) / 2
    assert torch.equal((shares.sort().values * 100).floor(), torch.arange(100.0))
    assert not torch.equal(shares, shares.sort().values)
    assert not aims[:, 1].any()


def test_two_tunes_take_turns_over_their_ranges():
    rate, options = RateConfig(eye=((1, -1.0), (100, 2.0))), TrainConfig(tune="both")
    aims = draw_aims(rate, options, 100, step=5)
    psnr, eye = (aims[aims[:, 1] == tune, 0].sort().values for tune in (0, 1))
    assert len(psnr) == len(eye) == 50
    assert -1 <= psnr[0] < -0.9 < 0.9 < psnr[-1] <= 1
    assert -1 <= eye[0] < -0.9 < 1.9 < eye[-1] <= 2
    alone = [draw_aims(rate, options, 1, step)[0, 1].item() for step in range(20)]
    assert set(alone) == {0.0, 1.0}


def test_the_eye_alone_can_be_trained_without_a_second_tune():
    aims = draw_aims(RateConfig(), TrainConfig(tune="eye"), 10, step=0)
    assert not aims[:, 1].any()
    x = torch.rand(1, 3, 32, 32)
    x_hat = 0.9 * x
    losses = [
        rate_distortion(x, x_hat, torch.zeros(1), aims[:1], RateConfig(), TrainConfig(tune=tune))
        for tune in ("psnr", "eye")
    ]
    assert losses[0].loss != losses[1].loss
