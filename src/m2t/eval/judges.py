"""The metrics by name: how each is called and measured, and the axis that codecs meet on."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import ConfigError
from . import butteraugli as programs
from .metrics import decibels, flip, load_rgb, ms_ssim, psnr, psnr_y, ssimulacra2

MetricName = Literal["ssimulacra2", "psnr", "ms_ssim", "butteraugli", "butteraugli_3", "flip"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How near a decoded image is to its original, by one measure."""

    label: str
    """As in tables."""
    unit: str = ""
    form: str
    """How a value is written."""
    measure: Callable[[np.ndarray, np.ndarray], float | None]
    """Of two images (H, W, 3) uint8 of one size; None where they are too small for it."""
    axis: Callable[[float], float] = float
    """Makes a value one that rises with quality: what BD-rates and plots are over."""
    axis_label: str
    module: str = ""
    """The Python package behind it, if it is not one of ours,"""
    program: str = ""
    """or the program,"""
    advice: str = ""
    """and how to install it."""

    @property
    def head(self) -> str:
        """The label with its unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def missing(self) -> str | None:
        """How to install what is not there, or None."""
        absent = self.module and find_spec(self.module) is None
        absent = absent or (self.program and shutil.which(self.program) is None)
        return self.advice if absent else None


METRICS: dict[MetricName, Metric] = {
    "ssimulacra2": Metric(
        label="SSIMULACRA2",
        form="{:.1f}",
        measure=ssimulacra2,
        axis_label="SSIMULACRA2",
        module="ssimulacra2",
        advice="pip install 'm2t[eval]'",
    ),
    "psnr": Metric(
        label="PSNR",
        unit="dB",
        form="{:.2f}",
        measure=lambda a, b: _most_100(psnr(a, b)),
        axis_label="PSNR (dB)",
    ),
    "ms_ssim": Metric(
        label="MS-SSIM",
        form="{:.4f}",
        measure=ms_ssim,
        axis=lambda value: decibels(1 - value),
        axis_label="MS-SSIM (dB)",
        module="pytorch_msssim",
        advice="pip install 'm2t[eval]'",
    ),
    "butteraugli": Metric(
        label="Butteraugli",
        form="{:.2f}",
        measure=programs.butteraugli,
        axis=decibels,
        axis_label="−10 log10 Butteraugli",
        program=programs.LARGEST,
        advice="apt-get install butteraugli",
    ),
    "butteraugli_3": Metric(
        label="Butteraugli 3-norm",
        form="{:.3f}",
        measure=programs.butteraugli_3,
        axis=decibels,
        axis_label="−10 log10 Butteraugli 3-norm",
        program=programs.NORM_3,
        advice="apt-get install libjxl-devtools",
    ),
    "flip": Metric(
        label="FLIP",
        form="{:.4f}",
        measure=flip,
        axis=decibels,
        axis_label="−10 log10 FLIP",
        module="flip_evaluator",
        advice="pip install flip-evaluator",
    ),
}
"""In the order of tables: what the codec is made for, then the others."""
DEFAULT: tuple[MetricName, ...] = ("ssimulacra2", "psnr", "ms_ssim")


def require_metrics(names: Iterable[MetricName]) -> None:
    """Raise ConfigError, with what to install, unless all of them can be measured here."""
    absent = {name: METRICS[name].missing() for name in names}
    lacking = [f"{name} needs: {advice}" for name, advice in absent.items() if advice]
    if lacking:
        raise ConfigError("; ".join(lacking))


def fidelity(
    original: Path, decoded: Path, names: Iterable[MetricName] = ()
) -> dict[str, float | None]:
    """PSNR over RGB and over luma of two image files, and the named metrics; None: too small.

    Raises ImageError where sizes differ, and M2TError or OSError where a program fails.
    """
    a, b = load_rgb(original), load_rgb(decoded)
    found = {"psnr": METRICS["psnr"].measure(a, b), "psnr_y": _most_100(psnr_y(a, b))}
    return found | {name: METRICS[name].measure(a, b) for name in names}


def _most_100(value: float) -> float:
    return round(min(value, 100), 4)
