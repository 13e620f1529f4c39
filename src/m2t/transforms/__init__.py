"""Analysis and synthesis transforms: images to latents and back."""

from torch import nn

from ..config import TransformConfig
from .elic import ElicAnalysis, ElicSynthesis
from .lapped import LappedAnalysis, LappedSynthesis


def build(config: TransformConfig) -> tuple[nn.Module, nn.Module]:
    """(analysis, synthesis), both called with the data and the quality t (B,)."""
    if config.kind == "elic":
        return ElicAnalysis(config), ElicSynthesis(config)
    return LappedAnalysis(config), LappedSynthesis(config)
