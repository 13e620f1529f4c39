import numpy as np
import torch
from scipy import stats

from m2t.learn.floats.network import as_integers
from m2t.learn.networks.mixture import MixtureParameters, mixture_bits


def parameters(*shape: int, seed: int = 0) -> MixtureParameters:
    g = torch.Generator().manual_seed(seed)
    means, log_scales, logits = (torch.randn(3, *shape, dtype=torch.float64, generator=g)).unbind()
    return MixtureParameters(3 * means, log_scales, logits)


def test_bits_are_those_of_the_mass_of_an_interval() -> None:
    p = parameters(7, 3, 5)
    y = torch.linspace(-8, 8, 35, dtype=torch.float64).view(7, 5)
    normal = stats.norm(p.means.numpy(), p.log_scales.exp().numpy())
    upper, lower = normal.cdf(y.numpy()[:, None] + 0.5), normal.cdf(y.numpy()[:, None] - 0.5)
    mass = (p.logits.softmax(-2).numpy() * (upper - lower)).sum(-2)
    np.testing.assert_allclose(mixture_bits(y, p).numpy(), -np.log2(mass + 1e-9), rtol=1e-9)


def test_gradient_by_hand_is_the_gradient() -> None:
    p = parameters(2, 3, 4)
    y = torch.randn(2, 4, dtype=torch.float64)
    inputs = [v.requires_grad_() for v in (y, *p)]
    torch.autograd.gradcheck(lambda y, *p: mixture_bits(y, MixtureParameters(*p)), inputs)


def test_integer_mixtures_keep_the_order_of_tokens_and_channels() -> None:
    p = parameters(8, 3, 5)
    mixture = as_integers(MixtureParameters(*(v.float() for v in p)))
    expected = p.means.transpose(-1, -2).reshape(-1, 3) * 64
    np.testing.assert_allclose(mixture.means, expected.numpy(), atol=0.51)
    assert (mixture.weights.astype(int).sum(axis=1) == 1 << 15).all()
