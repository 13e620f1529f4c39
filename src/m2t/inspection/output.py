"""All that is found inside a file, as the files of a folder: numbers, pictures, a page of both."""

import importlib.util
import io
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..errors import ConfigError
from ..eval.metrics import psnr
from ..image import save_image
from . import page
from .inside import Inside, Pixels

MOST_SAMPLES = 16
SAMPLED_PIXELS = 6.4e6
"""Pixels per step of all samples together, unless told otherwise: about a minute in all."""


class Shot(NamedTuple):
    """An image after a step, and how close it is to the decoded one and to the original."""

    rgb: Pixels
    psnr: float | None
    """In dB; None where the images are equal."""
    psnr_original: float | None
    """In dB; None also where the original is not known."""


class Step(NamedTuple):
    """After a step, which step 0 precedes."""

    number: int
    num_tokens: int
    """That are known."""
    bits: float
    """What these cost."""
    known: Pixels
    expected: Shot
    average: Shot


def require_matplotlib() -> None:
    """Raise ConfigError where the plots cannot be drawn."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError('inspect needs the package matplotlib: pip install "m2t[eval]"')


def default_samples(width: int, height: int) -> int:
    """Samples of an image per step, 16 up to 0.4 megapixels and fewer of larger ones."""
    return max(1, min(MOST_SAMPLES, round(SAMPLED_PIXELS / (width * height))))


def report(
    inside: Inside,
    name: str,
    original: Pixels | None = None,
    num_samples: int | None = None,
    on_progress: Callable[[float], object] | None = None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What there is to tell of a file.

    Args:
        name: the file's, for people.
        original: (H, W, 3) the image of which the file was made, if known.
        num_samples: images per step whose average is taken; None: default_samples().
        on_progress: called with the share done so far, 0..1.

    Returns facts ready for JSON, and file name -> content: PNGs and index.html. Raises ConfigError
    without matplotlib.
    """
    require_matplotlib()
    if num_samples is None:
        num_samples = default_samples(inside.header.width, inside.header.height)
    steps = []
    for i in range(inside.num_groups + 1):
        steps.append(_step(inside, i, original, num_samples))
        if on_progress:
            on_progress((i + 1) / (inside.num_groups + 1))
    found = {"input": name, **facts(inside), "samples": num_samples}
    found["steps"] = [_numbers(step) for step in steps]
    plots = _plots(inside, steps)
    files = {f"{key}.png": png for key, (png, _) in plots.items()}
    for step in steps:
        for key, rgb in _pictures(step).items():
            files[f"{key}_{step.number:02}.png"] = _png(rgb)
    files["index.html"] = _page(found, plots, steps).encode()
    return found, files


def facts(inside: Inside) -> dict[str, Any]:
    """Sizes and sums of bits, ready for JSON."""
    header, bits = inside.header, inside.bits
    channels = bits.sum((0, 1), dtype=np.float64)
    slices = [channels[part].sum() for part in inside.slices]
    groups, tokens = _per_group(inside)
    return {
        "width": header.width,
        "height": header.height,
        **header.aim._asdict(),
        "model": header.model_id.hex(),
        "bytes": inside.num_bytes,
        "bits": _rounded(channels.sum()),
        "tokens": inside.groups.size,
        "windows": len(inside.records),
        "tokens_per_group": tokens.tolist(),
        "bits_per_group": [_rounded(value) for value in groups],
        "bits_per_slice": [_rounded(value) for value in slices],
        "bits_per_channel": [_rounded(value) for value in channels],
    }


def _per_group(inside: Inside) -> tuple[np.ndarray, np.ndarray]:
    """(S,) bits of each group, and how many tokens it has."""
    groups, bits = inside.groups.ravel(), inside.bits.sum(2, dtype=np.float64).ravel()
    size = inside.num_groups
    return np.bincount(groups, bits, size), np.bincount(groups, minlength=size)


def _step(inside: Inside, i: int, original: Pixels | None, num_samples: int) -> Step:
    def shot(rgb: Pixels) -> Shot:
        return Shot(rgb, _psnr(rgb, inside.image), _psnr(rgb, original))

    bits, tokens = _per_group(inside)
    return Step(
        i,
        int(tokens[:i].sum()),
        float(bits[:i].sum()),
        inside.known(i),
        shot(inside.expected(i)),
        shot(inside.average(i, num_samples)),
    )


def _numbers(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {"step": step.number, "tokens": step.num_tokens}
    found["bits"] = _rounded(step.bits)
    for key, shot in (("expected", step.expected), ("average", step.average)):
        found |= {f"{key}_psnr": shot.psnr, f"{key}_psnr_original": shot.psnr_original}
    return found


def _pictures(step: Step) -> dict[str, Pixels]:
    return {"known": step.known, "expected": step.expected.rgb, "average": step.average.rgb}


def _plots(inside: Inside, steps: list[Step]) -> dict[str, tuple[bytes, str]]:
    """File stem -> PNG and caption."""
    from . import figures  # noqa: PLC0415 - matplotlib may be missing

    bits, tokens = _per_group(inside)
    channels = inside.bits.mean((0, 1), dtype=np.float64)
    curves = {
        f"{key}, against {other}": values
        for other, part in (("the decoded image", "psnr"), ("the original", "psnr_original"))
        for key in ("expected", "average")
        if any(values := [getattr(getattr(step, key), part) for step in steps])
    }
    kilobits = [step.bits / 1000 for step in steps]
    return {
        "bits": (figures.bits_map(inside), "What each token costs."),
        "order": (figures.order_map(inside), "When each token is uncovered."),
        "progress": (figures.progress(kilobits, curves), "How the image improves with the bits."),
        "groups": (figures.per_step(bits / 1000, tokens), "What each step costs."),
        "channels": (
            figures.per_channel(channels, inside.slices),
            "What each channel costs, as they are stored. Every other slice is shaded.",
        ),
    }


def _page(found: dict[str, Any], plots: dict[str, tuple[bytes, str]], steps: list[Step]) -> str:
    pixels = found["width"] * found["height"]
    summary = {
        "image": f"{found['width']}x{found['height']}",
        "coded for": f"quality {found['quality']}, tune {found['tune']}",
        "file": f"{found['bytes']:,} bytes, {8 * found['bytes'] / pixels:.3f} bpp",
        "tokens": f"{found['tokens']:,} in {found['windows']} windows, "
        f"{found['bits'] / 8:,.0f} bytes by the probabilities that code them",
        "model": found["model"],
    }
    explanation = (
        "After each step: the tokens that are known (on wide screens); the image if every other "
        f"token is what the model expects; the average of {found['samples']} images whose other "
        "tokens are drawn from the model. PSNR is against the decoded image."
    )
    rows = [
        page.Row(
            f"Step {step.number}: {step.num_tokens:,} tokens known, {step.bits / 1000:,.1f} kbit",
            [
                page.photograph(step.known, "known"),
                page.photograph(step.expected.rgb, _caption("expected", step.expected)),
                page.photograph(step.average.rgb, _caption("average", step.average)),
            ],
        )
        for step in steps
    ]
    shown = [page.plot(png, caption) for png, caption in plots.values()]
    return page.page(found["input"], summary, shown, explanation, rows)


def _caption(key: str, shot: Shot) -> str:
    return f"{key}: " + ("the decoded image" if shot.psnr is None else f"{shot.psnr:.2f} dB")


def _psnr(a: Pixels, b: Pixels | None) -> float | None:
    value = math.inf if b is None else psnr(a, b)
    return round(value, 3) if math.isfinite(value) else None


def _rounded(bits: float) -> float:
    return round(float(bits), 2)


def _png(rgb: Pixels) -> bytes:
    buffer = io.BytesIO()
    save_image(Image.fromarray(rgb), buffer, ".png")
    return buffer.getvalue()
