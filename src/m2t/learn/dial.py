"""A dial for the eye that means something: `python -m m2t.learn.dial WEIGHTS --images IMAGES`.

Prints knots for `m2t export --set rate.eye=KNOTS`: qualities at which photographs have a certain
SSIMULACRA2 on average, between the ends of the model's own dial.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .load import load_model
from .networks.model import Model
from .ssimulacra2 import distances, score
from .training.data import list_images, open_centre

SCORES = {50: 60.0, 75: 75.0}
"""Quality -> score."""
NUM_POINTS = 11
"""Of the curve that is measured."""


def main() -> None:
    """Print the knots as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--images", type=Path, required=True, help="Folder, or list of images.")
    options = parser.parse_args()
    model = load_model(options.weights)
    crops = [open_centre(p, model.config.entropy.window) for p in list_images(options.images)]
    print(json.dumps(dial(model, crops)))


def dial(model: Model, crops: Sequence[Tensor]) -> list[tuple[float, float]]:
    """Knots (quality, t) by the mean scores of crops (1, 3, H, W) uint8.

    Scores that the model does not reach are left out.
    """
    (first, low), *_, (last, high) = model.config.rate.eye
    ts = np.linspace(low, high, NUM_POINTS)
    scores = [mean_score(model, crops, t) for t in ts]
    inside = {q: float(np.interp(s, scores, ts)) for q, s in SCORES.items() if s < scores[-1]}
    return [(first, low), *((q, round(t, 3)) for q, t in inside.items()), (last, high)]


@torch.inference_mode()
def mean_score(model: Model, crops: Sequence[Tensor], t: float) -> float:
    """SSIMULACRA2 of crops (1, 3, H, W) uint8, coded for the eye at t."""
    asked = torch.tensor([[t, model.config.rate.eye_strength]], dtype=torch.float32)
    scores = []
    for crop in crops:
        x = crop.float() / 255
        x_hat = model(x, asked, part="synthesis").x_hat
        scores.append(score(distances(x, x_hat)).item())
    return float(np.mean(scores))


if __name__ == "__main__":
    main()
