"""What `m2t` does where it cannot write: full disks, read-only folders, streams that break.

    python -m research.endurance.disks --out results/endurance.json

Each command must end with the exit code that it should, and tell of each failure in one line. No
file may be changed, nor one be there that is not whole; whatever else the command was to make is
made. Disks are small ones in memory, which only root can mount: otherwise they are left out.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from m2t.codec import Codec

from .record import report
from .trees import M2T, MODEL, WEIGHTS, environment, lay, noise, photograph, png, tree

MODULE = "research.endurance.disks"
KILOBYTES = 200
"""Of a disk."""
ROOM = 40
"""Kilobytes that are left on the full one: enough for small files."""
ERROR = "m2t: error: "
FULL, FIXED = "No space left on device", "Read-only file system"


class Case(NamedTuple):
    """A command of a shell, `m2t` with its model being $M2T, and what has to come of it."""

    name: str
    command: str
    failures: tuple[str, ...] = ()
    """What each line of an error tells, in any order."""
    made: tuple[str, ...] = ()
    """Files that are there after it, and were not before."""
    code: int = 1
    cut: tuple[str, ...] = ()
    """Files that are the shell's own, not m2t's: they end where the disk does."""


IN_FOLDERS = "$M2T compress in -r --lossless always --out-dir"
SMALL, LARGE = ("0_small", "3_small"), ("1_large", "2_large")
"""Pictures of the folder that fit anywhere, and that do not fit on the full disk."""
ALL = (*SMALL, *LARGE)


def full() -> Iterator[Case]:
    """Where there is no room left."""
    told = f"{{}}: {FULL}"
    yield Case(
        "compress to a full disk",
        "$M2T compress noise.png full/a.m2t --lossless always",
        (told.format("full/a.m2t"),),
    )
    yield Case(
        "decompress to a full disk",
        "$M2T decompress noise.m2t full/a.png",
        (told.format("full/a.png"),),
    )
    yield Case(
        "decompress over a file of a full disk",
        "$M2T decompress -f noise.m2t full/old.png",
        (told.format("full/old.png"),),
    )
    yield Case(
        "a folder to a full disk",
        f"{IN_FOLDERS} full/out",
        tuple(told.format(f"full/out/{name}.m2t") for name in LARGE),
        tuple(f"full/out/{name}.m2t" for name in SMALL),
    )
    yield Case(
        "a folder to a full disk, two processes",
        f"{IN_FOLDERS} full/out --jobs 2",
        tuple(told.format(f"full/out/{name}.m2t") for name in LARGE),
        tuple(f"full/out/{name}.m2t" for name in SMALL),
    )
    yield Case(
        "standard output to a full disk",
        "$M2T compress noise.png - --lossless always > full/a.m2t",
        (f"noise.png: {FULL}",),
        cut=("full/a.m2t",),
    )
    yield Case(
        "a ledger on a full disk",
        f"cat /dev/zero > full/zeros 2> /dev/null; {IN_FOLDERS} out --ledger full/ledger",
        (f"full/ledger: cannot be written: {FULL}",),
        tuple(f"out/{name}.m2t" for name in ALL),
        cut=("full/zeros", "full/ledger"),
    )
    yield Case(
        "rows to a full disk",
        "$M2T compress in/0_small.png a.m2t --json > /dev/full",
        (FULL,),
        ("a.m2t",),
    )


def fixed() -> Iterator[Case]:
    """Where nothing can be written."""
    told = f"fixed/{{}}: {FIXED}"
    yield Case("compress beside the source", "$M2T compress fixed/b.png", (told.format("b.m2t"),))
    yield Case(
        "compress over a file", "$M2T compress -f fixed/b.png fixed/a.m2t", (told.format("a.m2t"),)
    )
    yield Case("decompress", "$M2T decompress fixed/a.m2t", (told.format("a.png"),))
    yield Case("into a new folder", f"{IN_FOLDERS} fixed/out", (f"cannot make fixed/out: {FIXED}",))
    yield Case(
        "into a folder that is there",
        f"{IN_FOLDERS} fixed/there",
        tuple(told.format(f"there/{name}.m2t") for name in ALL),
    )
    yield Case("a ledger", f"{IN_FOLDERS} out --ledger fixed/ledger", (told.format("ledger"),))
    yield Case("from it", "$M2T compress fixed/b.png b.m2t", made=("b.m2t",), code=0)


def streams() -> Iterator[Case]:
    """Where nobody reads."""
    broken = "Broken pipe"
    picture = "$M2T compress noise.png - --lossless always"
    yield Case("compress - | head", f"{picture} | head -c 10", (broken,))
    yield Case("decompress - | head", "$M2T decompress noise.m2t - | head -c 10", (broken,))
    rows = "$M2T compress in/0_small.png noise.png --out-dir out --json"
    yield Case("rows | head", f"{rows} | head -c 0", made=("out/0_small.m2t",))  # as others end
    yield Case("closed output", "$M2T compress noise.png a.m2t >&-", made=("a.m2t",), code=0)
    yield Case("closed errors", "$M2T compress noise.png a.m2t 2>&-", made=("a.m2t",), code=0)
    yield Case("closed errors, and one", "$M2T compress noise.m2t a.m2t 2>&-")
    yield Case(
        "errors to a full disk",
        f"{IN_FOLDERS} out 2> /dev/full",
        made=tuple(f"out/{name}.m2t" for name in ALL),
    )
    yield Case("no output where it is needed", f"{picture} >&-", ("standard output is closed",))


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """A small disk in memory; PermissionError where this process may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={KILOBYTES}k", "tmpfs", str(folder)]
    made = subprocess.run(mount, check=False, capture_output=True, text=True)
    if made.returncode:
        raise PermissionError(made.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class Place:
    """A folder with pictures, and disks in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temporary = folder / "here", folder / "temporary"
        self.temporary.mkdir()
        codec, photo = Codec.load(WEIGHTS, num_threads=1), photograph(60, 40)
        large = noise(180, 160)
        pictures = {"0_small": photo, "1_large": large, "2_large": large, "3_small": photo}
        lay(
            self.folder,
            {
                "noise.png": png(large),
                "noise.m2t": codec.compress(large, lossless="always"),
                **{f"in/{name}.png": png(picture) for name, picture in pictures.items()},
            },
        )
        self.on_disk = {"b.png": png(photo), "a.m2t": codec.compress(photo, 20)}

    @contextmanager
    def full(self) -> Iterator[None]:
        """A disk with little room, at full/."""
        disk = self.folder / "full"
        with mounted(disk):
            disk.joinpath("old.png").write_bytes(self.on_disk["b.png"])
            left = KILOBYTES - ROOM - 4 * -(-len(self.on_disk["b.png"]) // 4096)
            disk.joinpath("rest").write_bytes(bytes(left * 1024))
            yield

    @contextmanager
    def fixed(self) -> Iterator[None]:
        """A disk that cannot be written to, at fixed/."""
        disk = self.folder / "fixed"
        with mounted(disk):
            for name, data in self.on_disk.items():
                disk.joinpath(name).write_bytes(data)
            disk.joinpath("there").mkdir()
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            yield

    def faults(self, case: Case) -> list[str]:
        """Run a command; what was wrong."""
        before = tree(self.folder)
        m2t = 'm2t() { name=$1; shift; "$PYTHON" -m m2t "$name" $MODEL "$@"; }'
        ran = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{m2t}\n{case.command.replace('$M2T', 'm2t')}"],
            cwd=self.folder,
            env=environment(self.temporary) | {"PYTHON": M2T[0], "MODEL": " ".join(MODEL)},
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        after = tree(self.folder)
        faults = []
        if ran.returncode != case.code:
            faults.append(f"exit code {ran.returncode}, not {case.code}")
        told = [line for line in ran.stderr.splitlines() if line.startswith(ERROR)]
        texts = sorted(told, key=lambda line: line.split(": ")[-2:])
        wanted = sorted(case.failures, key=lambda line: line.split(": ")[-2:])
        right = len(texts) == len(wanted)
        right = right and all(w in text for w, text in zip(wanted, texts, strict=True))
        if not right or any(word in ran.stderr for word in ("Traceback", "Exception")):
            faults.append(f"told: {ran.stderr.strip() or 'nothing'}")
        new = {name for name in after if name not in before}
        if new != {*case.made, *case.cut}:
            faults.append(f"there is {sorted(new)}, not {sorted(case.made)}")
        faults += [f"{name} is touched" for name in before if after.get(name) != before[name]]
        faults += self._damaged([name for name in case.made if name in after])
        for name in new:
            (self.folder / name).unlink()
        return faults

    def _damaged(self, names: list[str]) -> list[str]:
        """Which of some .m2t files cannot be decoded."""
        codec, found = Codec.load(WEIGHTS, num_threads=1), []
        for name in names:
            try:
                codec.decompress((self.folder / name).read_bytes())
            except Exception as error:
                found.append(f"{name}: {error}")
        return found


def measured(folder: Path) -> tuple[list[dict[str, object]], list[str]]:
    """A row of each case, and what is wrong."""
    place, rows, faults = Place(folder), [], list[str]()
    for cases, disk in ((full, place.full), (fixed, place.fixed), (streams, None)):
        with ExitStack() as stack:
            try:
                if disk is not None:
                    stack.enter_context(disk())
            except PermissionError as error:
                rows.append({"place": cases.__name__, "left_out": str(error)})
                continue
            for case in cases():
                found = place.faults(case)
                row = {"case": case.name, "command": case.command.replace("$M2T", "m2t")}
                rows.append({"place": cases.__name__, **row, "faults": len(found)})
                faults += [f"{case.name}: {fault}" for fault in found]
    return rows, faults


def main() -> None:
    """Write what came of each case; fail if something was lost, torn or told badly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows, faults = measured(Path(folder))
    report(options.out, MODULE, {"disks": rows}, faults)


if __name__ == "__main__":
    main()
