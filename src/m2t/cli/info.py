"""`m2t info`: what stands in a file, without any network; with --verify, what it decodes to."""

import json
from pathlib import Path
from typing import Any

import click

from ..container import parse
from ..work import Codecs
from .files import read
from .messages import attempt
from .options import threads_option

_TEXT = """\
{input}: {width}x{height} {channels}, {bytes:,} bytes, {bpp:.3f} bpp
format    version {version}
quality   {quality}, tune {tune}
model     {model}
schedule  {order}, {steps} steps, alpha {alpha}
windows   {windows} in {parts}, {window_bytes:,} bytes
metadata  {listed}"""
_LOSSLESS = """\
{input}: {width}x{height} {channels}, {bytes:,} bytes, {bpp:.3f} bpp
format    version {version}, lossless
tiles     {tiles}, {tile_bytes:,} bytes
metadata  {listed}"""
_DECODED = """\
latents   sha256 {latents_sha256}
pixels    {pixels}
computed  by {operations}"""
_KEPT = "pixels    {pixels}"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--verify", is_flag=True, help="Decode it as well, and print the SHA-256 of tokens and pixels."
)
@click.option("--model", metavar="NAME|PATH", help="Weights.  [default: those that the file names]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@threads_option
def info(file: Path, verify: bool, model: str | None, as_json: bool, threads: int | None) -> int:
    """Show what an .m2t file holds, and verify its checksums.

    --verify needs the weights, as decompress does, unless the file is lossless. Every machine
    prints the same SHA-256.
    """
    if not verify and (model is not None or threads is not None):
        raise click.UsageError("--model and --threads go with --verify.")

    def show() -> None:
        data = read(file)
        found: dict[str, Any] = {"input": str(file), **facts(data)}
        if verify:
            found |= decoded(data, model, threads)
        if as_json:
            click.echo(json.dumps(found))
            return
        parts = f"{found['strips']} strips"
        if layers := found["layers"]:
            listed = ", ".join("{bytes:,} bytes in {steps} steps".format(**its) for its in layers)
            parts = f"{len(layers)} layers ({listed})"
        sizes = [f"{name} {size:,} bytes" for name, size in found["metadata"].items()]
        text, more = (_LOSSLESS, _KEPT) if found["lossless"] else (_TEXT, _DECODED)
        click.echo(text.format(**found, parts=parts, listed=", ".join(sizes) or "none"))
        if verify:
            sha256 = found["pixels_sha256"]
            pixels = f"sha256 {sha256}" if sha256 else "painted in floating point"
            click.echo(more.format(**found, pixels=pixels))

    return 0 if attempt(show, file, as_json) else 1


def facts(data: bytes) -> dict[str, Any]:
    """What can be told of a file without decoding it, ready for JSON. Raises FormatError."""
    bitstream = parse(data)
    header, windows = bitstream.header, bitstream.windows
    of_layers = bitstream.steps, bitstream.layers, bitstream.ends
    of_tokens = {
        "order": header.order.name.lower(),
        "steps": header.steps,
        "alpha": header.alpha / 10,
        "seed": header.seed,
    }
    return {
        "version": header.version,
        "width": header.width,
        "height": header.height,
        "channels": ("L" if header.grey else "RGB") + ("A" if bitstream.alpha is not None else ""),
        "bytes": len(data),
        "bpp": 8 * len(data) / (header.width * header.height),
        **header.aim._asdict(),
        "lossless": header.lossless,
        "model": header.model,
        **(dict.fromkeys(of_tokens) if header.lossless else of_tokens),
        "windows": len(windows),
        "strips": len(bitstream.strips),
        "layers": [
            {"steps": steps, "bytes": sum(map(len, layer.parts)), "end": end}
            for steps, layer, end in zip(*of_layers, strict=True)
        ],
        "window_bytes": sum(map(len, windows)),
        "tiles": len(bitstream.tiles),
        "tile_bytes": sum(map(len, bitstream.tiles)),
        "alpha_bytes": len(bitstream.alpha or b""),
        "metadata": {name: len(payload) for name, payload in bitstream.metadata.items()},
    }


def decoded(data: bytes, model: str | None, threads: int | None) -> dict[str, Any]:
    """What decoding a file tells, ready for JSON; of pixels only where they are exact.

    Raises FormatError or ModelError.
    """
    from ..checksums import latents_sha256, pixels_sha256

    stream = parse(data)
    header = stream.header
    if header.lossless:
        from ..lossless import pixels_of

        found = pixels_sha256(pixels_of(stream))
        return {"latents_sha256": None, "pixels_sha256": found, "operations": None}
    codec = Codecs(model, threads).of(data)
    y_hat = codec.decode_latents(stream)
    exact = codec.transforms.exact
    rgb = codec.synthesise(y_hat, header.height, header.width, header.aim) if exact else None
    return {
        "latents_sha256": latents_sha256(y_hat),
        "pixels_sha256": None if rgb is None else pixels_sha256(rgb),
        "operations": codec.network.name,
    }
