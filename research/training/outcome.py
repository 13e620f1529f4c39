"""What a training run cost and reached, as JSON.

    python -m research.training.outcome RUN ... --images IMAGES --out FILE

Several runs are stages, one after the other; the last one's averaged weights are judged, on
photographs that no run has seen.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from m2t.learn.load import load_model
from m2t.learn.training.config import RunConfig
from m2t.learn.training.data import list_images, open_centre
from m2t.learn.training.evaluate import evaluate


def main() -> None:
    """Write FILE."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--images", type=Path, required=True, help="Folder, or list of images.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, help="What the runs would take on two cores.")
    options = parser.parse_args()
    result = {
        "schema": 1,
        **({} if options.minutes is None else {"minutes_of_two_cores": options.minutes}),
        "stages": [stage(run) for run in options.runs],
        "validation": validate(options.runs[-1], options.images),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n")


def stage(run: Path) -> dict[str, Any]:
    """Options that differ from the preset's, time, speed, and the curve of a run."""
    config = RunConfig.load(run / "config.json")
    usual = RunConfig.of_preset(config.model.name).options()
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    train = [record for record in records if record["kind"] == "train"]
    evals = [record for record in records if record["kind"] == "eval"]
    return {
        "options": {key: v for key, v in config.options().items() if v != usual[key]},
        "steps": evals[-1]["step"],
        "seconds": evals[-1]["seconds"],
        "pixels_per_second": float(np.median([record["pixels_per_second"] for record in train])),
        "curve": [{key: record[key] for key in ("step", "seconds", "loss")} for record in evals],
    }


def validate(run: Path, images: Path) -> dict[str, Any]:
    """Loss and points (learn/training/evaluate.py) of the middles of `images`, a window each."""
    model = load_model(run / "model.safetensors").to("cuda" if torch.cuda.is_available() else "cpu")
    crops = [open_centre(path, model.config.entropy.window) for path in list_images(images)]
    return evaluate(model, crops, RunConfig.load(run / "config.json"))


if __name__ == "__main__":
    main()
