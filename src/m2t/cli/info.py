"""`m2t info`: what stands in a file, without any network."""

import json
from pathlib import Path
from typing import Any

import click

from ..container import parse
from .files import read
from .report import attempt

_TEXT = """\
{file}: {width}x{height} {channels}, {bytes:,} bytes, {bpp:.3f} bpp
quality   {quality}
model     {model}
schedule  {order}, {steps} steps, alpha {alpha}
windows   {windows} in {strips} strips, {window_bytes:,} bytes
metadata  {listed}"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def info(file: Path, as_json: bool) -> int:
    """Show what an .m2t file holds, and verify its checksums."""

    def show() -> None:
        found: dict[str, Any] = {"file": str(file), **facts(read(file))}
        if as_json:
            click.echo(json.dumps(found))
            return
        sizes = [f"{name} {size:,} bytes" for name, size in found["metadata"].items()]
        click.echo(_TEXT.format(**found, listed=", ".join(sizes) or "none"))

    return 0 if attempt(show, file, as_json) else 1


def facts(data: bytes) -> dict[str, Any]:
    """What can be told of a file without decoding it, ready for JSON. Raises FormatError."""
    bitstream = parse(data)
    header, windows = bitstream.header, bitstream.windows
    return {
        "width": header.width,
        "height": header.height,
        "channels": ("L" if header.grey else "RGB") + ("A" if bitstream.alpha is not None else ""),
        "bytes": len(data),
        "bpp": 8 * len(data) / (header.width * header.height),
        "quality": header.quality,
        "model": header.model_id.hex(),
        "order": header.order.name.lower(),
        "steps": header.steps,
        "alpha": header.alpha / 10,
        "seed": header.seed,
        "windows": len(windows),
        "strips": len(bitstream.strips),
        "window_bytes": sum(map(len, windows)),
        "alpha_bytes": len(bitstream.alpha or b""),
        "metadata": {name: len(payload) for name, payload in bitstream.metadata.items()},
    }
