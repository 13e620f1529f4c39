"""Speed and precision of the coder: nanoseconds per symbol, and bits over the ideal.

    python -m research.speed.range_coder --out results/coder.json

Symbols are drawn from mixtures of three Gaussians as a codec has them, at four rates. The ideal is
the entropy of the drawn symbols under those mixtures in floating point, before they are quantised.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from m2t.eval.results import versions, write_record
from m2t.learn.networks.mixture import MixtureParameters, mixture_bits
from m2t.rans import Decoder, Encoder, quantise
from m2t.rans.coders import DEFAULT_KERNEL

from ..command_line import command_line

NUM_SYMBOLS = 294_912
"""Of a 768x512 image with 192 channels."""
SCALES = {"low": 0.1, "middle": 0.25, "high": 0.8, "highest": 2.0}
"""Geometric mean of the standard deviations, in quantiser steps."""


def draw(scale: float) -> tuple[MixtureParameters, NDArray[np.int32]]:
    """Mixtures (K, n), and one symbol drawn from each."""
    rng = np.random.default_rng(0)
    shape = (3, NUM_SYMBOLS)
    scales = scale * np.exp(rng.normal(0, 0.8, shape)).clip(0.15, 100)
    means = rng.normal(0, 1.5 * scale, NUM_SYMBOLS) + rng.normal(0, 0.5 * scale, shape)
    logits = rng.normal(0, 1, shape)
    weights = np.exp(logits) / np.exp(logits).sum(0)
    chosen = (rng.random(NUM_SYMBOLS) > weights.cumsum(0)[:-1]).sum(0)[None]
    mean, sigma = (np.take_along_axis(v, chosen, 0)[0] for v in (means, scales))
    symbols = np.rint(rng.normal(mean, sigma)).astype(np.int32)
    return MixtureParameters(
        *(torch.from_numpy(v) for v in (means, np.log(scales), logits))
    ), symbols


def measure(name: str, runs: int) -> dict[str, object]:
    """One row of the result."""
    p, symbols = draw(SCALES[name])
    ideal = float(mixture_bits(torch.from_numpy(symbols).double(), p).sum())
    arrays = (p.means.T.numpy(), p.log_scales.exp().T.numpy(), p.logits.softmax(0).T.numpy())
    mixture = quantise(*arrays)
    encoding, decoding = [], []
    data = b""
    for _ in range(runs):
        start = time.perf_counter()
        encoder = Encoder()
        encoder.code(symbols, mixture)
        data = encoder.finish()
        middle = time.perf_counter()
        decoded = Decoder(data).code(None, mixture)
        decoding.append(time.perf_counter() - middle)
        encoding.append(middle - start)
        assert np.array_equal(decoded, symbols)
    per_symbol = 1e9 / NUM_SYMBOLS
    return {
        "rate": name,
        "bits_per_symbol": round(ideal / NUM_SYMBOLS, 4),
        "percent_over_ideal": round(100 * (8 * len(data) / ideal - 1), 4),
        "encode_nanoseconds_per_symbol": round(statistics.median(encoding) * per_symbol, 1),
        "decode_nanoseconds_per_symbol": round(statistics.median(decoding) * per_symbol, 1),
    }


def main() -> None:
    """Measure the coder."""
    parser = argparse.ArgumentParser(
        prog="python -m research.speed.range_coder", description=main.__doc__
    )
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    rows = [measure(name, args.runs) for name in tqdm(SCALES, disable=None)]
    write_record(
        args.out,
        kernel=DEFAULT_KERNEL.__name__.rpartition(".")[2],
        num_symbols=NUM_SYMBOLS,
        rows=rows,
        versions=versions(),
        command=command_line("research.speed.range_coder"),
    )


if __name__ == "__main__":
    main()
