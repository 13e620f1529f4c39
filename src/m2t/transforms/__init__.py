"""Analysis and synthesis transforms: images to latents and back."""

from .variable import VariableTransforms, build

__all__ = ["VariableTransforms", "build"]
