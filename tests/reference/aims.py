"""What is asked for: the t of a quality, and the model that codes for it.

docs/decoding.md, "Aims".
"""

from typing import Any

import numpy as np

from .weights import Weights

NEIGHBOURS = 8
OF_CHANNELS = (
    *("integer.embed.weight", "integer.head.means", "integer.head.rungs"),
    *("lapped.gains", "lapped.synthesis.unit"),
    *("lapped.synthesis.linear.weight", "lapped.synthesis.enter.weight"),
)
"""Tensors whose last axis has a place for each channel."""


def aim_of(rate: dict[str, Any], quality: int, eye: bool) -> tuple[float, float]:
    """The t of an aim, and the strength of its tune."""
    strength = rate.get("eye_strength", 1.0) if eye else 0.0
    knots = rate.get("eye" if eye else "psnr", [])
    if not knots:
        flat = rate["lmbda_min"] == rate["lmbda_max"]
        return 0.0 if flat else 2 * (quality - 1) / 99 - 1, strength
    after = max(1, next(i for i, knot in enumerate(knots) if quality <= knot[0]))
    (x0, y0), (x1, y1) = knots[after - 1], knots[after]
    return y0 + (y1 - y0) * (quality - x0) / (x1 - x0), strength


def model_of(weights: Weights, quality: int, eye: bool) -> Weights:
    """The weights without slices that begin at a higher t."""
    config = weights.config
    begins = config["entropy"].get("slices_from", [])
    t, _ = aim_of(config["rate"], quality, eye)
    count = sum(begin <= t for begin in begins)
    if count == len(begins):
        return weights
    slices = config["entropy"]["slices"][:count]
    channels = sum(slices)
    tensors = dict(weights.tensors)
    for name in OF_CHANNELS:
        if name in tensors:
            tensors[name] = tensors[name][..., :channels]
    if (around := tensors.get("integer.neighbours.weight")) is not None:
        apart = around.reshape(len(around), NEIGHBOURS, -1)[..., :channels]
        tensors["integer.neighbours.weight"] = np.reshape(apart, (len(around), -1))
    entropy = {**config["entropy"], "slices": slices, "slices_from": begins[:count]}
    transform = {**config["transform"], "latent_channels": channels}
    config = {**config, "entropy": entropy, "transform": transform}
    return weights._replace(config=config, tensors=tensors)
