"""How long MT and M2T take to decode tokens, with weights of the same shape (paper 5, Fig. 4).

    python -m research.speed.masking --out results/masking_light.json

The weights are the shipped ones, or random ones of a preset, driven by either kind of masking.
"network" is the time of the entropy network alone, as the paper measures it; "decode" has the range
decoder too.
"""

import argparse
import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from m2t.coding import code_latents
from m2t.config import Aim, ModelConfig
from m2t.engine.threads import num_cores
from m2t.eval.results import versions, write_record
from m2t.geometry.windows import Latents
from m2t.learn.integers.calibrate import calibrate
from m2t.learn.integers.entropy_to_integers import export
from m2t.learn.networks.model import Model
from m2t.predict.fastest import choose
from m2t.predict.network import IntegerNetwork
from m2t.predict.operations import Operations
from m2t.presets import preset
from m2t.rans import Decoder, Encoder, Mixture
from m2t.timing import median_seconds
from m2t.weights import locate, read_weights
from m2t.weights.file import INTEGER

from ..command_line import command_line

STEPS = (2, 4, 8, 12)
MEGAPIXELS = (0.4, 1.0, 3.0, 12.0)
QUALITY = 50


class Silence:
    """A coder that decodes zeros from nothing: what is left is the network's time."""

    def code(self, symbols: NDArray[np.int32] | None, mixture: Mixture) -> NDArray[np.int32]:
        """As many zeros as the mixture has rows."""
        return np.zeros(len(mixture.means), np.int32)

    def finish(self) -> None:
        """Nothing."""


def shipped_tensors() -> tuple[ModelConfig, dict[str, NDArray]]:
    """Configuration and integer tensors of the default weights."""
    weights = read_weights(locate())
    return weights.config, weights.below(INTEGER)


def random_tensors(config: ModelConfig) -> dict[str, NDArray]:
    """Integer tensors of an untrained model, calibrated on random tokens."""
    torch.manual_seed(0)
    model = Model(config).eval().entropy
    side, channels = config.entropy.window, config.transform.latent_channels
    tokens = torch.randn(1, side, side, channels).mul_(2).round_()
    integers = export(model, config, calibrate(model, [(tokens, torch.zeros(1))]))
    return {name: tensor.numpy() for name, tensor in integers.items()}


def tokens_of(megapixels: float, channels: int) -> Latents:
    """Tokens of a 3:2 photograph of that size, as random as those of a transform."""
    height = round(math.sqrt(megapixels * 1e6 / 1.5) / 16)
    width = round(megapixels * 1e6 / 256 / height)
    scales = np.geomspace(8, 0.2, channels)
    y = np.random.default_rng(0).laplace(0, scales, (height, width, channels))
    return np.rint(y).astype(np.int32)


def measure(
    config: ModelConfig,
    tensors: Mapping[str, NDArray],
    ops: Operations,
    y: Latents,
    most_runs: int,
) -> dict[str, float]:
    """Median seconds to decode y: by the network alone, and with the range decoder."""
    network, size, threads = IntegerNetwork(config, tensors, ops), y.shape[:2], num_cores()

    def code(open_coder: Callable[[int], Any], known: Latents | None = None) -> list[Any]:
        coded = code_latents(network, size, Aim(QUALITY), open_coder, known, num_threads=threads)
        return coded.results

    streams = code(lambda _: Encoder(), y)
    return {
        "network": median_seconds(lambda: code(lambda _: Silence()), most_runs, most_seconds=4),
        "decode": median_seconds(
            lambda: code(lambda i: Decoder(streams[i])), most_runs, most_seconds=4
        ),
    }


def compare(
    config: ModelConfig,
    tensors: Mapping[str, NDArray],
    ops: Operations,
    steps: int,
    megapixels: float,
    runs: int,
) -> dict[str, float]:
    """One row of the result: seconds of both, and how many times as fast M2T is."""
    y = tokens_of(megapixels, config.transform.latent_channels)
    schedule = dataclasses.replace(config.schedule, steps=steps)
    found: dict[str, float] = {"megapixels": megapixels, "steps": steps}
    for masking in ("m2t", "mt"):
        entropy = dataclasses.replace(config.entropy, masking=masking)
        changed = dataclasses.replace(config, entropy=entropy, schedule=schedule)
        for part, seconds in measure(changed, tensors, ops, y, runs).items():
            found[f"{masking}_{part}_seconds"] = round(seconds, 4)
    for part in ("network", "decode"):
        ratio = found[f"mt_{part}_seconds"] / found[f"m2t_{part}_seconds"]
        found[f"{part}_ratio"] = round(ratio, 2)
    return found


def main() -> None:
    """Time MT and M2T for several numbers of steps and image sizes."""
    parser = argparse.ArgumentParser(
        prog="python -m research.speed.masking", description=main.__doc__
    )
    parser.add_argument("--preset", help="random weights of a preset instead of the shipped ones")
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS)
    parser.add_argument("--megapixels", type=float, nargs="+", default=MEGAPIXELS)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    if args.preset:
        config = preset(args.preset)
        tensors = random_tensors(config)
    else:
        config, tensors = shipped_tensors()
    ops = choose()
    cases = [(m, s) for m in args.megapixels for s in args.steps]
    rows = [compare(config, tensors, ops, s, m, args.runs) for m, s in tqdm(cases, disable=None)]
    write_record(
        args.out,
        model=config.name,
        operations=ops.name,
        num_threads=num_cores(),
        rows=rows,
        versions=versions(),
        command=command_line("research.speed.masking"),
    )


if __name__ == "__main__":
    main()
