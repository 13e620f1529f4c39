"""Hostile .m2t files are refused by one line, in a second and 200 MB, or decode all the same."""

import dataclasses
import io
from pathlib import Path

import pytest
from PIL import Image

import m2t.pillow
from m2t.cli import main
from m2t.codec import Codec
from m2t.container import parse

from .arena import arena, check, fingerprint
from .m2t_files import (
    KINDS,
    Files,
    alphas,
    arrangements,
    codec,
    cut,
    everything,
    header_bits,
    header_sizes,
    metadata,
    noise,
    put,
    sound,
    truncations,
)


def shown(data: bytes) -> str:
    return fingerprint(codec().decompress(data))


def without_alpha(data: bytes) -> bytes:
    """Another sound file: its picture is opaque."""
    head, chunks = cut(data)
    return put(head, [chunk for chunk in chunks if chunk[0] != "A"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_of_a_file(kind: str) -> None:
    data = sound(kind)
    files = list(everything(data))
    num_refused = check("decompress", files, data, shown(data), shown(without_alpha(data)))
    assert num_refused > 0.8 * len(files), "most of them break something"


@pytest.mark.parametrize("kind", ["one", "layers"])
def test_headers_that_contradict_their_file(kind: str) -> None:
    """Behind right checksums. A flip may be a picture a pixel smaller: see test_fields.py."""
    data = sound(kind)
    files = [*header_bits(data, right=True), *header_sizes(data)]
    with arena("decompress", data) as tried:
        verdicts = list(tried(data for _, data in files))
    for (name, other), verdict in zip(files, verdicts, strict=True):
        assert verdict.outcome in ("refused", "decoded"), (name, verdict)
        if verdict.outcome == "decoded":
            header = parse(other).header
            mode = "L" if header.grey else "RGB"
            assert verdict.text.startswith(f"{mode} {header.width}x{header.height} "), name
            assert verdict.text != shown(data), name
    assert sum(verdict.outcome == "decoded" for verdict in verdicts) < 0.1 * len(files)


def test_alphas() -> None:
    data = sound("full")
    files = list(alphas(data))
    assert check("decompress", files, data) == len(files)


def test_metadata_are_kept_as_they_are() -> None:
    data = sound("full")
    assert check("decompress", metadata(data), data, shown(data)) == 0


@pytest.mark.parametrize("door", ["decompress", "partial", "steps", "pillow"])
def test_noise(door: str) -> None:
    data = sound("one") if door != "pillow" else of_the_package()
    files = list(noise(100))
    assert check(door, files, data) == len(files)


@pytest.mark.parametrize("door", ["steps", "verify"])
@pytest.mark.parametrize("kind", ["strips", "layers"])
def test_other_ways_in(kind: str, door: str) -> None:
    data = sound(kind)

    def files() -> Files:
        yield from truncations(data)
        yield from arrangements(data)

    with arena(door, data) as tried:
        [verdict] = tried([data])
    check(door, files(), data, verdict.text)


def of_the_package() -> bytes:
    return Codec.load(num_threads=1).compress(Image.new("RGB", (40, 30), "teal"), 20, effort=0)


def test_pillow_raises_its_own_errors() -> None:
    """OSError, as its own formats do, which opens or loads pictures by any name."""
    data = of_the_package()
    m2t.pillow.register()
    expected = fingerprint(Image.open(io.BytesIO(data)))

    def files() -> Files:
        yield from header_bits(data, right=False)
        yield from truncations(data)
        yield from arrangements(data)
        yield from metadata(data)

    check("pillow", files(), data, expected)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return tmp_path


def run(*args: object) -> int:
    return main([str(arg) for arg in args])


def test_a_batch_goes_on(folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each hostile file, pictures of all others, nothing half written."""
    data = sound("one")
    bad = {f"bad{i}": other for i, (_, other) in enumerate(list(everything(data))[:300:9])}
    for name, content in {**bad, "sound": data}.items():
        Path("in", f"{name}.m2t").write_bytes(content)
    files = sorted(Path("in").iterdir())
    assert run("decompress", *files, "--out-dir", "out", "--model", weights) == 1
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("m2t: error: ")]
    assert len(errors) == len(bad)
    assert all(line.startswith(f"m2t: error: {Path('in', '')}") for line in errors)
    assert not [line for line in lines if "Traceback" in line]
    assert [path.name for path in Path("out").iterdir()] == ["sound.png"]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "ppm"])
def test_hostile_metadata_are_written_or_left_out(
    folder: Path, weights: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They never cost the picture, nor the others of its batch."""
    stream = parse(sound("full"))
    opaque = dataclasses.replace(stream, alpha=None).pack()
    names = []
    for i, (name, content) in enumerate(metadata(opaque)):
        names.append(name)
        Path("in", f"{i}.m2t").write_bytes(content)
    files = [Path("in", f"{i}.m2t") for i in range(len(names))]
    code = run("decompress", *files, "--out-dir", "out", "--format", suffix, "--model", weights)
    told = capsys.readouterr().err
    assert (code, "error" in told) == (0, False), told
    for i, name in enumerate(names):
        with Image.open(Path("out", f"{i}.{suffix}")) as image:
            assert image.size == (40, 30), name
