"""Whether anything is lost when `m2t` is killed.

    python -m research.endurance.kills --count N --out results/endurance.json

Commands are killed (SIGKILL) at random moments, or in the middle of a write: when a temporary file
appears (inotify, so Linux alone). After each kill, every file must be as it was before, or as a run
that nobody disturbs leaves it; but for temporary files, which the next such run must remove. Runs
over folders are killed several times before they may go on to their end.
"""

import argparse
import contextlib
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from .forked import Run, one_core, watching
from .record import report
from .scenes import LEDGER, Scene, scenes
from .trees import lay, temporaries, tree

MODULE = "research.endurance.kills"
LONGEST_PAUSE = 0.0003
"""Seconds from a temporary file to a kill, and what else it takes."""


class Stage:
    """A folder where a scene is played, again and again."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene, self.folder, self.temporary = scene, folder / "here", folder / "temporary"
        self.temporary.mkdir(parents=True, exist_ok=True)
        for _ in range(2):  # the first one is slow
            self.lay()
            start = time.perf_counter()
            if problem := self.run():
                raise RuntimeError(f"{scene.name}: {problem}")
            self.seconds = time.perf_counter() - start
            """Of a run that nobody disturbs."""
        self.after = self.files()

    def lay(self) -> None:
        """Have all as it was before."""
        lay(self.folder, self.scene.before)
        for name in self.scene.targets:
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def files(self) -> dict[str, bytes]:
        """All that is there but the ledger and temporary files."""
        hidden = {str(path.relative_to(self.folder)) for path in temporaries(self.folder)}
        found = tree(self.folder)
        return {name: found[name] for name in found if name not in hidden and name != LEDGER}

    def begun(self, *options: str) -> Run:
        """The command, as it starts."""
        return Run((*self.scene.arguments, *options), self.folder, self.temporary)

    def run(self, *options: str) -> str | None:
        """Run the command to its end; what was wrong with that."""
        run = self.begun(*options)
        told = run.told()
        code = run.process.exitcode
        return f"ended with {code}: {told}" if code else None

    def kill(self, rng: random.Random, in_write: bool) -> bool:
        """Start the command and kill it; False where it ended before."""
        with watching(self.folder / name for name in self.scene.targets) as made:
            run = self.begun()
            if in_write:
                for _ in range(rng.randint(1, self.scene.most_kills)):
                    while run.process.is_alive() and not made(0.05):
                        pass
                time.sleep(rng.uniform(0, LONGEST_PAUSE))
            else:
                run.process.join(rng.uniform(0, 1.2 * self.seconds))
        if rng.random() < 0.5:  # otherwise, workers have to notice
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.process.pid or 0, signal.SIGKILL)
        run.process.kill()
        run.told()
        return run.process.exitcode == -signal.SIGKILL

    def looked_at(self) -> tuple[str, list[str]]:
        """When it was killed, as the files tell: before, during or after; and what is wrong."""
        found, before, after = self.files(), self.scene.before, self.after
        names = found.keys() | before.keys() | after.keys()
        wrong = [
            name
            for name in sorted(names)
            if found.get(name) not in (before.get(name), after.get(name))
        ]
        changes = [name for name in after if before.get(name) != after[name]]
        made = [name for name in changes if found.get(name) == after[name]]
        if temporaries(self.folder):
            when = "during"
        else:
            when = "before" if not made else "after" if made == changes else "during"
        return when, [f"{name} is neither old nor whole" for name in wrong]

    def trial(self, rng: random.Random, in_write: bool) -> tuple[Counter[str], list[str]]:
        """Kill the command, look, let it run; what was counted, and what was wrong."""
        self.lay()
        counts, faults = Counter[str](), list[str]()
        for _ in range(rng.randint(1, self.scene.most_kills)):
            if not self.kill(rng, in_write):
                counts["not_killed"] += 1
                continue
            counts["left"] += len(temporaries(self.folder))
            when, wrong = self.looked_at()
            counts[when] += 1
            faults += wrong
        problem = self.run(*self.scene.again)
        faults += [problem] if problem else []
        faults += [] if self.files() == self.after else ["the last run made something else"]
        faults += [f"{path.name} stays" for path in temporaries(self.folder)]
        faults += [f"{path.name} stays in TMPDIR" for path in self.temporary.iterdir()]
        return counts, [f"{self.scene.name}: {fault}" for fault in faults]


def main() -> None:
    """Write the counts; fail if anything was lost, torn or left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="Kills of each command, at least.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    rng, rows, faults = random.Random(options.seed), [], list[str]()
    with tempfile.TemporaryDirectory() as folder, one_core():
        for i, scene in enumerate(scenes()):
            stage = Stage(scene, Path(folder, str(i)))
            for in_write in (False, True):
                counts, wrong, trials = Counter[str](), list[str](), 0
                while sum(counts[when] for when in WHEN) < options.count // 2:
                    more, found = stage.trial(rng, in_write)
                    counts, wrong, trials = counts + more, wrong + found, trials + 1
                rows.append(row(scene, in_write, counts, trials, wrong))
                print(rows[-1], flush=True)
                faults += wrong
    report(options.out, MODULE, {"kills": rows}, faults)


WHEN = ("before", "during", "after")


def row(
    scene: Scene, in_write: bool, counts: Counter[str], trials: int, wrong: list[str]
) -> dict[str, object]:
    """What is recorded of some trials of a scene."""
    return {
        "command": scene.name,
        "moment": "in a write" if in_write else "random",
        "kills": sum(counts[when] for when in WHEN),
        **{when: counts[when] for when in WHEN},
        "temporary_files_left": counts["left"],
        "runs_to_the_end": trials,
        "faults": len(wrong),
    }


if __name__ == "__main__":
    main()
