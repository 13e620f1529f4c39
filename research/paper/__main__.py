"""`python -m research.paper figure5 --train photographs/ --test kodak/`: see __init__.py."""

import argparse
import dataclasses
from pathlib import Path

import m2t
from m2t.eval.metrics import image_paths
from m2t.eval.results import versions, write_record
from m2t.learn.training.data import list_images

from ..command_line import command_line
from .cases import EXPERIMENTS
from .run import Setup, run, train_share
from .scales import SCALES


def main() -> None:
    """Run experiments of the paper on the tokens of a frozen transform."""
    parser = argparse.ArgumentParser(prog="python -m research.paper", description=main.__doc__)
    parser.add_argument("experiments", nargs="+", choices=EXPERIMENTS)
    parser.add_argument("--scale", choices=SCALES, default="small")
    parser.add_argument("--model", help="whose transform (default: the shipped one)")
    parser.add_argument("--train", type=Path, required=True, help="folder or list of photographs")
    parser.add_argument("--test", type=Path, required=True, help="folder of images")
    parser.add_argument("--work", type=Path, default=Path("build/experiments"), help="kept there")
    parser.add_argument("--out", type=Path, default=Path("results/experiments"))
    parser.add_argument(
        "--share",
        metavar="I/N",
        help="only train every Nth model, from the Ith (of 0 to N-1): N processes with one --work",
    )
    args = parser.parse_args()
    scale, codec = SCALES[args.scale], m2t.load(args.model)
    setup = Setup(codec, scale, list_images(args.train), image_paths(args.test), args.work)
    if args.share:
        first, count = map(int, args.share.split("/"))
        train_share(args.experiments, setup, first, count)
        return
    for name in args.experiments:
        write_record(
            args.out / f"{name}_{args.scale}.json",
            experiment=name,
            scale=args.scale,
            model_id=codec.identity.hex(),
            quality=scale.aim.quality,
            lmbda=codec.config.rate.lmbda(scale.aim),
            train=dataclasses.asdict(scale.train),
            rows=run(name, setup),
            versions=versions(),
            command=command_line("research.paper", args.train, args.test),
        )


if __name__ == "__main__":
    main()
