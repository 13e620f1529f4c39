"""Make trained weights fit for a package: 16-bit floats, half the size.

    python -m m2t.train.ship RUN/model.safetensors src/m2t/weights/light.safetensors

Rounding changes the model, and so its id; quality is measured with the shipped file.
"""

import argparse
from pathlib import Path

import torch

from ..checkpoint import model_id, read_model, save_model


def ship(source: Path, target: Path) -> bytes:
    """Write the weights of `source` to `target` as float16 and return the new model id."""
    config, state = read_model(source)
    halves = {name: tensor.to(torch.float16) for name, tensor in state.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    save_model(target, config, halves)
    target.chmod(0o644)
    return model_id(config, halves)


def main() -> None:
    """Convert weights to 16 bits for shipping."""
    parser = argparse.ArgumentParser(prog="python -m m2t.train.ship", description=main.__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    identity = ship(args.source, args.target)
    print(f"{args.target}: model {identity.hex()}, {args.target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
