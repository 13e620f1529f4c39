"""Whether files mean the same tokens everywhere: in every setting that one machine can imitate.

Files are made in a few settings and decoded in all: other numbers of threads, instruction sets,
kernels, batches, and no compiled code at all; each in a process of its own. The analysis transform
computes in floating point, so two encoders may make different files of an image; but each file has
to decode, everywhere, to the very tokens it was made of.

    python -m research.determinism.check IMAGES --qualities 13 51 87 --out results/determinism.json
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from m2t import coding
from m2t.checksums import latents_sha256
from m2t.codec import Codec
from m2t.config import Aim
from m2t.container import parse
from m2t.encoder.parts import Part
from m2t.encoder.refine import DEFAULT_EFFORT
from m2t.errors import ConfigError, FormatError, M2TError
from m2t.eval.metrics import image_paths
from m2t.eval.results import versions, write_record
from m2t.eval.table import markdown
from m2t.geometry.windows import Latents
from m2t.image import Picture, open_image
from m2t.learn.load import codec_of
from m2t.predict.operations import Operations
from m2t.progress import Meter
from m2t.rans import Encoder
from m2t.weights import locate, read_weights

from ..command_line import command_line
from .settings import Setting, all_operations, all_settings

ROOT = str(Path(__file__).parents[2])
"""From where research/ can be imported."""
QUALITIES = (13, 51, 87)
CROP = (96, 64)
"""Width and height in pixels of what slow settings decode, of each image."""


@dataclass(frozen=True)
class Made:
    """A file, as its encoder knows it."""

    image: str
    quality: int
    crop: bool
    file: str
    """SHA-256 of it all, which is its name too."""
    tokens: str
    """See latents_sha256()."""
    streams: str
    """SHA-256 of the entropy-coded streams, put together."""


@dataclass(frozen=True)
class Report:
    """What came of all settings."""

    settings: list[dict[str, Any]]
    """What each was and did: name, environment, operations, num_threads, ATen's level, num_decodes,
    and seconds with the start of its process."""
    num_files: int
    num_decodes: int
    num_differing: int
    """How often encoders made different files of an image at one quality, crops included."""
    mismatches: list[str]
    """Files that did not decode to what they were made of: must be none."""


# In a process of its own.


class RememberingCodec(Codec):
    """Keeps the tokens of what it compressed last."""

    y_hat: Latents

    def tokens(
        self,
        picture: Picture,
        aim: Aim,
        effort: int = DEFAULT_EFFORT,
        meter: Meter | None = None,
        part: Part | None = None,
    ) -> Latents:
        """See Codec. Pictures have a single part here."""
        self.y_hat = super().tokens(picture, aim, effort, meter, part)
        return self.y_hat


def load(model: str | None, ops: Operations | None = None) -> RememberingCodec:
    """The codec with shipped weights or those of a file; ConfigError if they are not integers."""
    made = codec_of(read_weights(locate(model)), ops=ops)
    if not made.network.exact:
        raise ConfigError(f"{model}: this model computes in floating point; export it first")
    num_threads = torch.get_num_threads()
    return RememberingCodec(made.transforms, made.network, made.identity, num_threads)


def work() -> None:
    """Do one setting's job: JSON from the standard input, results to the standard output."""
    job = json.load(sys.stdin)
    setting, folder = Setting(**job["setting"]), Path(job["folder"])
    torch.set_default_dtype(getattr(torch, setting.dtype))
    coding.WINDOWS_PER_BATCH = setting.windows_per_batch
    codec = load(job["model"], all_operations()[setting.ops] if setting.ops else None)
    made = [asdict(encode(codec, folder, *what)) for what in job["encode"]]
    decoded = {
        file: decode(codec, (folder / file).read_bytes(), recode)
        for file, recode in job["decode"].items()
    }
    facts = {
        "operations": codec.network.name,
        "num_threads": torch.get_num_threads(),
        "aten": torch.backends.cpu.get_cpu_capability(),
    }
    json.dump({"facts": facts, "made": made, "decoded": decoded}, sys.stdout)


def encode(codec: RememberingCodec, folder: Path, image: str, quality: int, crop: bool) -> Made:
    """Write the .m2t file of an image, or of its middle, into a folder."""
    opened = open_image(image)
    if crop:
        left, top = ((n - size) // 2 for n, size in zip(opened.size, CROP, strict=True))
        opened = opened.crop((left, top, left + CROP[0], top + CROP[1]))
    data = codec.compress(opened, quality)
    streams = sha256(b"".join(parse(data).windows))
    made = Made(image, quality, crop, sha256(data), latents_sha256(codec.y_hat), streams)
    (folder / made.file).write_bytes(data)
    return made


def decode(codec: Codec, data: bytes, recode: bool) -> dict[str, str]:
    """`tokens` of a file, and if wanted the `streams` that they become again; see Made."""
    stream = parse(data)
    try:
        y_hat = codec.decode_latents(stream)
    except FormatError as error:
        return {"tokens": str(error)}
    found = {"tokens": latents_sha256(y_hat)}
    if recode:
        coded = codec.code(y_hat.shape[:2], stream.header.aim, lambda _: Encoder(), y_hat)
        found["streams"] = sha256(b"".join(coded.results))
    return found


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


# In the process that starts the others.


def run(
    setting: Setting,
    model: str | None,
    folder: Path,
    *,
    encode: Sequence[tuple[str, int, bool]] = (),
    decode: Mapping[str, bool] | None = None,
) -> dict[str, Any]:
    """What work() tells of a setting; M2TError where it fails, its complaints on standard error."""
    prepare = f"import sys; sys.path.append({ROOT!r})"
    block = f"sys.modules.update(dict.fromkeys({setting.missing!r}))"
    start = f"from {__package__}.check import work; work()"
    command = [sys.executable, "-c", "; ".join((prepare, block, start))]
    job = {"setting": asdict(setting), "model": model, "folder": str(folder)}
    done = subprocess.run(
        command,
        input=json.dumps({**job, "encode": encode, "decode": decode or {}}),
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **setting.environment},
        check=False,
    )
    if done.returncode != 0:
        raise M2TError(f"setting {setting.name}: a process ended with exit code {done.returncode}")
    return json.loads(done.stdout)


def mismatches(made: Iterable[Made], decoded: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The images and qualities of files of which a decoder tells what their encoder does not."""
    return [
        f"{Path(file.image).name} at quality {file.quality}"
        for file in made
        if not decoded[file.file].items() <= asdict(file).items()
    ]


def make(
    images: Sequence[Path],
    qualities: Sequence[int],
    settings: Iterable[Setting],
    model: str | None,
    folder: Path,
) -> list[Made]:
    """Files of all images, by those settings that encode.

    The first one encodes at all qualities, the others and all crops at the middle one.
    """
    middle = qualities[len(qualities) // 2]
    made: list[Made] = []
    for setting in tqdm([s for s in settings if s.encodes], desc="encode", disable=None):
        sources = [(str(image), middle, True) for image in images]
        for quality in [middle] if made else qualities:
            sources += [(str(image), quality, False) for image in images]
        made += [Made(**file) for file in run(setting, model, folder, encode=sources)["made"]]
    return made


def verify(
    images: Sequence[Path],
    qualities: Sequence[int],
    settings: Sequence[Setting],
    model: str | None,
) -> Report:
    """Make files in the settings that encode, and decode them in all.

    Tokens of crops are encoded again as well: the same streams must come out.
    """
    rows, wrong = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make(images, qualities, settings, model, folder)
        for setting in tqdm(settings, desc="decode", disable=None):
            start = time.perf_counter()
            wanted = [file for file in made if file.crop or not setting.crops]
            found = run(setting, model, folder, decode={file.file: file.crop for file in wanted})
            row = {"name": setting.name, "environment": setting.environment, **found["facts"]}
            row["num_decodes"] = len(found["decoded"])
            row["seconds"] = round(time.perf_counter() - start, 1)
            rows.append(row)
            wrong += [f"{name}, {setting.name}" for name in mismatches(wanted, found["decoded"])]
    files = defaultdict(set)
    for file in made:
        files[file.image, file.quality, file.crop].add(file.file)
    return Report(
        settings=rows,
        num_files=len({file.file for file in made}),
        num_decodes=sum(row["num_decodes"] for row in rows),
        num_differing=sum(len(different) > 1 for different in files.values()),
        mismatches=wrong,
    )


def main() -> None:
    """Check that files decode to the same tokens in every setting of this machine."""
    parser = argparse.ArgumentParser(
        prog="python -m research.determinism.check", description=main.__doc__
    )
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("--model", help="weights by name or path (default: those of the package)")
    parser.add_argument("--qualities", type=int, nargs="+", default=QUALITIES)
    parser.add_argument("--limit", type=int, help="only that many images")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    paths = image_paths(args.images)[: args.limit]
    report = verify(paths, args.qualities, all_settings(), args.model)
    write_record(
        args.out,
        num_images=len(paths),
        qualities=args.qualities,
        **asdict(report),
        versions=versions(),
        command=command_line("research.determinism.check", args.images),
    )
    cells = [
        (row["name"], row["operations"], str(row["num_decodes"]), f"{row['seconds']:.0f}")
        for row in report.settings
    ]
    print(markdown(("setting", "operations", "decodes", "seconds"), cells))
    print(f"{report.num_files} files, {report.num_decodes} decodes, ", end="")
    print(f"{report.num_differing} files that differ between encoders")
    if report.mismatches:
        sys.exit("decoded to other tokens: " + "; ".join(report.mismatches))


if __name__ == "__main__":
    main()
