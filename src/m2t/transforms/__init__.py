"""Analysis and synthesis transforms: images to latents and back."""

from .variable import Transforms, build

__all__ = ["Transforms", "build"]
