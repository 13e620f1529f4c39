"""The entropy model as trained, in floating point, for the predictor."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from ...config import Aim, ModelConfig
from ...predict.predictor import Integers, Span
from ...predict.slots import Slots
from ...rans.gaussians import Mixture, quantise
from ...weights.narrow import Narrowing
from ..devices.precision import computing_in
from ..networks.layers import KeyValueCache
from ..networks.mixture import MixtureParameters
from ..networks.narrow import fill
from ..networks.transformer import EntropyModel, place


class FloatNetwork(Narrowing):
    """A float model as a Network: its files decode only where its floats come out the same."""

    name = "float"
    exact = False
    threads = False

    def __init__(
        self,
        model: EntropyModel,
        config: ModelConfig,
        device: torch.device | None = None,
        products: torch.dtype = torch.float32,
    ) -> None:
        """Of a copy: the model stays as it is, and may change without changing files.

        Args:
            device: where to compute; by default, where the model is.
            products: type of matrix products, whatever autocast is around: both sides of a file
                must agree on it.
        """
        self.config, self.products = config, products
        self.slices = model.head.slices
        self.device = device or model.mask_token.device
        # Not frozen: of weights that are, autocast would cast each anew every time.
        self.model = copy.deepcopy(model).to(self.device).eval()

    def narrowed(self, config: ModelConfig) -> "FloatNetwork":
        """See Narrowing."""
        small = EntropyModel(config)
        fill(small, self.model)
        return FloatNetwork(small, config, self.device, self.products)

    def squash(self, symbols: Integers) -> Tensor:
        """Token integers as the network takes them."""
        return self.model.squash(torch.from_numpy(symbols).to(self.device, torch.float32))

    def cache(self, sizes: Sequence[int]) -> list[list[KeyValueCache]]:
        """For each window, one cache per block."""
        num_layers = self.config.entropy.layers
        return [[KeyValueCache(size) for _ in range(num_layers)] for size in sizes]

    @torch.inference_mode()
    def trunk(
        self,
        tokens: Tensor,
        slots: Slots,
        spans: Sequence[Span],
        aim: Aim,
        cache: list[list[KeyValueCache]],
    ) -> Tensor:
        """See Network. One window after the other: products may depend on what else is in them."""
        t = self._t(aim)
        outputs = []
        with self._autocast():
            for span in spans:
                window = tokens[None, span.tokens]
                some = slots.part(span.rows).shifted(-span.tokens.start)
                whole = len(some.target) == window.shape[1]
                caches = None if whole else cache[span.window]
                placed = place(some, self.device, caches)
                outputs.append(self.model.trunk(window, placed, t, caches)[0])
        return torch.cat(outputs)

    @torch.inference_mode()
    def prepare(self, trunk: Tensor) -> Tensor:
        """See Network."""
        with self._autocast():
            return self.model.head.prepare(trunk)

    @torch.inference_mode()
    def mixtures(self, k: int, prepared: Tensor, earlier: Tensor, aim: Aim) -> Mixture:
        """See Network."""
        with self._autocast():
            prior = self.model.prior(self._t(aim))[0]
            return as_integers(self.model.head.slice(k, prepared, earlier, prior))

    def _autocast(self) -> torch.autocast:
        return computing_in(self.products, self.device)

    def _t(self, aim: Aim) -> Tensor:
        return torch.tensor([self.config.rate.t(aim)], dtype=torch.float32, device=self.device)


def as_integers(p: MixtureParameters) -> Mixture:
    """The mixtures of (n, K, channels), rows in the order of (n, channels)."""
    weights = p.logits.softmax(-2)
    arrays = [v.transpose(-1, -2).cpu().numpy() for v in (p.means, p.log_scales.exp(), weights)]
    return quantise(*(v.reshape(-1, p.means.shape[-2]) for v in arrays))
