"""Run an experiment: train what its cases need, code the test tokens, keep what they take."""

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from m2t.codec import Codec
from m2t.coding import code_latents
from m2t.config import Aim, ModelConfig
from m2t.learn.floats.network import FloatNetwork
from m2t.learn.networks.transformer import EntropyModel
from m2t.rans import Counter

from ..speed.masking import Silence
from .cases import EXPERIMENTS, Case
from .fitting import fit
from .scales import Scale
from .tokens import Tokens, distortion, num_pixels, tokens_of


@dataclass(frozen=True)
class Setup:
    """What all experiments share. Whatever is done once is kept in the folder `work`."""

    codec: Codec
    scale: Scale
    train_paths: Sequence[Path]
    test_paths: Sequence[Path]
    work: Path

    @cached_property
    def train(self) -> Tokens:
        """Tokens to train on."""
        paths = self.train_paths[: self.scale.train_images]
        return tokens_of(self.codec, paths, self.scale.aim, self.work)

    @cached_property
    def test(self) -> Tokens:
        """Tokens to test on: whole windows only, so that windows of all sizes have the same."""
        tokens = tokens_of(self.codec, self.test_paths, self.scale.aim, self.work)
        return tokens.whole_windows(self.scale.entropy.window)


def train_share(names: Sequence[str], setup: Setup, first: int, count: int) -> None:
    """Train the models that experiments need, or of them `first`, `first` + count, and so on.

    Processes can share the work so; `run` then finds all models in the folder `work`.
    """
    scale = setup.scale
    cases = [case for name in names for case in EXPERIMENTS[name](scale)]
    configs = {config.to_json(): config for config in (case.trained(scale) for case in cases)}
    for config in list(configs.values())[first::count]:
        _fit(config, setup)


def _fit(config: ModelConfig, setup: Setup) -> EntropyModel:
    tokens = setup.train.of_channels(config.transform.latent_channels)
    return fit(config, setup.scale.train, tokens, setup.scale.aim, setup.work)


def run(name: str, setup: Setup) -> list[dict[str, Any]]:
    """A row for each case: what it is, and its rate in bits per pixel."""
    cases = EXPERIMENTS[name](setup.scale)
    test = setup.test
    if name == "figure5":
        test = test.first(setup.scale.sweep_images)
    rows = [_row(case, setup, test) for case in tqdm(cases, desc=name, disable=None)]
    if name == "table1":
        _add_distortion(rows, setup)
    return rows


def _row(case: Case, setup: Setup, test: Tokens) -> dict[str, Any]:
    scale = setup.scale
    config = case.model(scale)
    channels = config.transform.latent_channels
    model = _fit(case.trained(scale), setup)
    test = test.of_channels(channels)
    rate = bits(model, config, test, scale.aim) / num_pixels(test)
    return {
        **dataclasses.asdict(case),
        "channels": channels,
        "window": config.entropy.window,
        "parameters": sum(p.numel() for p in model.parameters()),
        "bpp": round(rate, 6),
        "network_seconds": round(network_seconds(model, config, test.first(2), scale.aim), 4),
    }


def bits(model: EntropyModel, config: ModelConfig, tokens: Tokens, aim: Aim) -> float:
    """What the tokens take along the schedule, by the integer probabilities that would code them.

    Matrix products are in bfloat16, as in training.
    """
    network, total = FloatNetwork(model, config, products=torch.bfloat16), 0.0
    network.exact = True  # nothing is decoded: M2T may take one pass
    # Around all of it, weights are cast once.
    with torch.autocast(network.device.type, torch.bfloat16):
        for image in tokens.images:
            y, size = image.astype("int32"), image.shape[:2]
            total += sum(code_latents(network, size, aim, lambda _: Counter(), y).results)
    return total


def network_seconds(model: EntropyModel, config: ModelConfig, tokens: Tokens, aim: Aim) -> float:
    """Seconds per image that decoding spends in the network, which is warm."""
    network = FloatNetwork(model, config, products=torch.bfloat16)
    sizes = [image.shape[:2] for image in tokens.images]
    with torch.autocast(network.device.type, torch.bfloat16):
        start = time.perf_counter()
        for size in sizes:
            code_latents(network, size, aim, lambda _: Silence())
    return (time.perf_counter() - start) / len(sizes)


def _add_distortion(rows: list[dict[str, Any]], setup: Setup) -> None:
    """The error of the channels that are left out, and rate and error as one rate.

    "percent" is the change of bpp + lambda * mse against the first row, as a share of its bpp.
    """
    lmbda = setup.codec.config.rate.lmbda(setup.scale.aim)
    for row in rows:
        mse = distortion(setup.codec, setup.test_paths, setup.scale.aim, row["channels"])
        row["mse"] = round(mse, 4)
    first = rows[0]
    for row in rows:
        change = row["bpp"] - first["bpp"] + lmbda * (row["mse"] - first["mse"])
        row["percent"] = round(100 * change / first["bpp"], 3)
