"""Transforms in floating point, on any device: for models that were not exported to integers.

What they paint differs a little from machine to machine.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ...config import STRIDE, Aim, ModelConfig
from ...errors import ConfigError
from ...geometry.bands import Band, bands
from ...geometry.windows import Latents, latent_size
from ...image import reduced
from ...protocols import Done, Pixels, Slopes
from ...weights.narrow import Narrowing
from ..devices.precision import autocast
from ..networks.narrow import fill
from ..networks.transforms import VariableTransforms
from .distortion import pixel_slopes

TOKENS_PER_BAND = 16384
"""Area (4 megapixels) that is transformed at once."""
LATENT_LIMIT = 2**24


class FloatTransforms(Narrowing):
    """See Transforms (protocols.py); on as many threads as PyTorch has."""

    exact = False

    @torch.inference_mode(False)  # what is made in it has no gradients ever after
    def __init__(self, networks: VariableTransforms, device: torch.device) -> None:
        """Of a copy: the networks stay as they are, and may change without changing pictures."""
        self.config, self.device = networks.config, device
        self.name = f"PyTorch on {device.type}"
        self.networks = transforms_of(networks).to(device).eval().requires_grad_(False)
        # Dense convolutions run faster so on a CPU. (PyTorch's stubs do not know this call.)
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def narrowed(self, config: ModelConfig) -> "FloatTransforms":
        """See Narrowing."""
        small = VariableTransforms(config)
        fill(small, self.networks)
        return FloatTransforms(small, self.device)

    @torch.inference_mode()
    def analyse(self, rgb: Pixels, aim: Aim, num_threads: int, done: Done) -> Latents:
        """See Transforms."""
        rows, columns = latent_size(*rgb.shape[:2])
        y_hat = np.empty((rows, columns, self.config.transform.latent_channels), np.int32)
        for band in bands(rows, columns, self.config.transform.analysis_halo, TOKENS_PER_BAND):
            pixels = rgb[band.first * STRIDE : band.last * STRIDE]
            x = _padded(_to_tensor(pixels), band.last - band.first, columns).to(self.device)
            with self._autocast():
                y = self.networks.analyse(x, self._t(aim))[0, :, band.inner]
            y = y.round().clamp(-LATENT_LIMIT, LATENT_LIMIT).permute(1, 2, 0)
            y_hat[band.rows] = y.to(torch.int32).cpu().numpy()
            done((band.stop - band.start) * columns)
        return y_hat

    def unrounded(self, rgb: Pixels, num_threads: int, done: Done) -> NDArray[np.float32]:
        """See Transforms."""
        raise ConfigError("a target takes weights that were exported to integers")

    def rounded(self, sums: NDArray[np.float32], aim: Aim, dead_zone: float = 0.0) -> Latents:
        """See Transforms."""
        raise NotImplementedError  # of nothing: see unrounded

    @torch.inference_mode()
    def synthesise(
        self, y_hat: Latents, height: int, width: int, aim: Aim, num_threads: int, done: Done
    ) -> Pixels:
        """See Transforms."""
        rgb = np.empty((height, width, 3), np.uint8)
        for band in self._synthesis_bands(y_hat):
            y = torch.from_numpy(y_hat[band.context]).to(self.device, torch.float32)
            with self._autocast():
                x_hat = self.networks.synthesise(y.permute(2, 0, 1)[None], self._t(aim))[0]
            inner = band.inner
            x_hat = x_hat[:, inner.start * STRIDE : inner.stop * STRIDE, :width]
            pixels = (x_hat.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
            target = rgb[band.start * STRIDE : band.stop * STRIDE]
            target[:] = pixels[: len(target)].cpu().numpy()
            done((band.stop - band.start) * y_hat.shape[1])
        return rgb

    def halo(self, scale: int) -> int:
        """See Transforms."""
        return self.config.transform.synthesis_halo

    def preview(
        self,
        y_hat: Latents,
        height: int,
        width: int,
        scale: int,
        aim: Aim,
        num_threads: int,
        done: Done,
    ) -> Pixels:
        """See Transforms."""
        return reduced(self.synthesise(y_hat, height, width, aim, num_threads, done), scale)

    @torch.inference_mode(False)  # there are no gradients in it
    def slopes(
        self, rgb: Pixels, y_hat: Latents, aim: Aim, linear: bool, num_threads: int, done: Done
    ) -> tuple[Slopes, NDArray[np.float32]]:
        """See Transforms."""
        slopes = np.zeros(y_hat.shape, np.float32)
        stiffness = np.empty(y_hat.shape[:2], np.float32)
        for band in self._synthesis_bands(y_hat):
            pixels = torch.tensor(rgb[band.start * STRIDE : band.stop * STRIDE])
            x = pixels.to(self.device).permute(2, 0, 1).float() / 255
            y = torch.from_numpy(y_hat[band.context]).to(self.device, torch.float32)
            y = y.permute(2, 0, 1)[None].requires_grad_()
            with torch.enable_grad(), self._autocast():
                x_hat = self.networks.synthesise(y, self._t(aim), linear)[0]
                x_hat = x_hat[:, band.inner.start * STRIDE :][:, : x.shape[1], : x.shape[2]]
                by_pixels, by_tokens = pixel_slopes(x, x_hat.detach(), aim.tune)
                (gradient,) = torch.autograd.grad(x_hat, y, by_pixels)
            slopes[band.context] += gradient[0].permute(1, 2, 0).cpu().numpy()
            stiffness[band.rows] = by_tokens.cpu().numpy()
            done((band.stop - band.start) * y_hat.shape[1])
        return slopes, stiffness

    def step_errors(self, aim: Aim) -> NDArray[np.float32]:
        """See Transforms."""
        return self.networks.step_errors(self._t(aim))[0].cpu().numpy()

    def _t(self, aim: Aim) -> Tensor:
        """(1, 2) the aim as the networks take it; ConfigError if there is no such aim."""
        return torch.tensor([self.config.rate.t(aim)], dtype=torch.float32, device=self.device)

    def _autocast(self) -> torch.autocast:
        """bfloat16 inside networks that take it, on devices that have it: no effect on
        what files mean, and less than 0.01 dB on pixels."""
        precision = "auto" if self.networks.synthesis.mixed_precision else "float32"
        return autocast(precision, self.device)

    def _synthesis_bands(self, y_hat: Latents) -> Iterator[Band]:
        halo = self.config.transform.synthesis_halo
        rows, columns, _ = y_hat.shape
        return bands(rows, columns, halo, TOKENS_PER_BAND)


def transforms_of(networks: VariableTransforms) -> VariableTransforms:
    """A copy of the transforms alone, without the entropy model of a whole Model."""
    with torch.device("meta"):  # neither memory nor random numbers, for weights not yet known
        copied = VariableTransforms(networks.config)
    weights = networks.state_dict()
    copied.load_state_dict(
        {name: weights[name].clone() for name in copied.state_dict()}, assign=True
    )
    copied.register_buffer("begin", networks.get_buffer("begin").clone(), persistent=False)
    return copied


def _to_tensor(pixels: Pixels) -> Tensor:
    """(H, W, 3) bytes -> (1, 3, H, W) in [0, 1]."""
    return torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255


def _padded(x: Tensor, rows: int, columns: int) -> Tensor:
    """(1, 3, H, W) -> (1, 3, 16 rows, 16 columns), edges repeated."""
    padding = (0, columns * STRIDE - x.shape[3], 0, rows * STRIDE - x.shape[2])
    x = F.pad(x, padding, mode="replicate") if any(padding) else x
    return x.contiguous(memory_format=torch.channels_last)
