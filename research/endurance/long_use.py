"""Whether memory, descriptors or threads grow in long use.

    python -m research.endurance.long_use --seconds N --out results/endurance.json

Two processes, one thread each, work for so long. One uses the library in every way (uses.py); uses
that come again must give the same bytes. The other runs commands over a folder, some of whose files
are broken. Both tell every half a minute what they hold (samples.py). Linux alone.
"""

import argparse
import contextlib
import io
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from m2t.cli import main as command
from m2t.codec import Codec

from .record import Rows, report
from .samples import Sampler, faults, read, summary
from .trees import MODEL, WEIGHTS, environment, lay, photograph, png
from .uses import use

MODULE = "research.endurance.long_use"
EVERY_SECONDS = 30
"""A sample is taken; at least 40 times in all."""
NUM_USES = 2_000
"""Different ones; then they come again."""
NUM_PHOTOS, NUM_BROKEN = 24, 8


def library(folder: Path, seconds: float, sampler: Sampler) -> int:
    """Use the library for so long; how often a use gave other bytes than before."""
    codec, rng = Codec.load(WEIGHTS, num_threads=1), random.Random(0)
    hashes, operations, differing = [b""] * NUM_USES, 0, 0
    use(codec, 0)  # loads the weights of the package, of which Pillow's plugin keeps some
    while sampler.seconds < seconds:
        # Each use once, while it warms up: the largest of them has been seen by then.
        number = operations if operations < NUM_USES else rng.randrange(NUM_USES)
        found = use(codec, number)
        differing += hashes[number] not in (b"", found)
        hashes[number] = found
        operations += 1
        sampler.look(operations)
    sampler.look(operations, now=True)
    return differing


def folders(folder: Path, seconds: float, sampler: Sampler) -> int:
    """Run commands over a folder for so long; how often one told of other failures than it had."""
    files = {f"{i % 3}/{i}.png": png(photograph(20 + 9 * i, 90, i)) for i in range(NUM_PHOTOS)}
    for i, name in enumerate(list(files)[:NUM_BROKEN]):
        files[name] = files[name][: 400 * i] if i % 2 else b"nonsense"
    source, out, back = (folder / name for name in ("in", "out", "back"))
    lay(source, files)
    operations = differing = turns = 0
    told = io.StringIO()
    while sampler.seconds < seconds:
        turns += 1
        jobs = ("--jobs", "2") if turns % 20 == 1 else ()
        common = ("--recursive", *MODEL, *jobs)
        ledger = ("--ledger", str(out / "ledger.jsonl"))
        steps = [
            (NUM_BROKEN, ("compress", source, "--out-dir", out, *ledger)),
            (NUM_BROKEN, ("compress", source, "--out-dir", out, *ledger)),  # nothing to do
            (0, ("verify", out)),
            (0, ("decompress", out, "--out-dir", back)),
        ]
        for num_failures, arguments in steps:
            differing += failures([*map(str, arguments), *common], told) != num_failures
            operations += 1
            sampler.look(operations)
        for made in (out, back):
            shutil.rmtree(made)
    sampler.look(operations, now=True)
    return differing


def failures(arguments: list[str], told: io.StringIO) -> int:
    """Run a command in this process; how many errors it tells of. `told` takes its words."""
    told.seek(0)
    told.truncate()  # a new one each time would stay: click remembers what stood for stderr
    with contextlib.redirect_stderr(told):
        code = command(arguments)
    count = sum(line.startswith("m2t: error: ") for line in told.getvalue().splitlines())
    return count if code == bool(count) else -1


PROCESSES: dict[str, Callable[[Path, float, Sampler], int]] = {
    "library": library,
    "folders": folders,
}


def main() -> None:
    """Write what the processes held; fail if something grew, stayed or differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="Of use.")
    parser.add_argument("--process", choices=PROCESSES, help="One of the two alone.")
    parser.add_argument("--out", type=Path, help="JSON")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)  # be the process
    options = parser.parse_args()
    if options.inside:
        every = min(EVERY_SECONDS, options.seconds / 40)
        sampler = Sampler(options.inside / "log", options.inside, every)
        sys.exit(PROCESSES[options.process](options.inside, options.seconds, sampler) > 0)
    if options.out is None:
        parser.error("--out is needed")
    names = [options.process] if options.process else [*PROCESSES]
    with tempfile.TemporaryDirectory() as folder:
        parts, wrong = measured(Path(folder), options.seconds, names)
    report(options.out, MODULE, parts, wrong)


def measured(
    folder: Path, seconds: float, names: Iterable[str] = PROCESSES
) -> tuple[dict[str, Rows], list[str]]:
    """Run processes side by side; what is recorded of each, and what is wrong."""
    started = {name: begun(name, folder / name, seconds) for name in names}
    parts, wrong = {}, list[str]()
    for name, process in started.items():
        code = process.wait()
        found = summary(read(folder / name / "log"))
        parts[name] = [{**found, "same_bytes": code == 0}]
        wrong += [f"{name}: {fault}" for fault in faults(found)]
        wrong += [f"{name}: ended with {code}"] if code else []
        print(name, found, flush=True)
    return parts, wrong


def begun(name: str, folder: Path, seconds: float) -> "subprocess.Popen[bytes]":
    """One of the processes, in a folder of its own."""
    temporary = folder / "temporary"
    temporary.mkdir(parents=True)
    arguments = ["--process", name, "--seconds", str(seconds), "--inside", str(folder)]
    return subprocess.Popen([sys.executable, "-m", MODULE, *arguments], env=environment(temporary))


if __name__ == "__main__":
    main()
