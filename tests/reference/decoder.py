"""The whole story: from the bytes of a file and the weights that it names to a picture."""

import hashlib
import io
import itertools
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from . import schedule
from .aims import model_of
from .container import File, Header, parse, tiles
from .network import Network
from .operations import Array
from .reader import as_int32, require
from .synthesis import Synthesis
from .weights import Weights
from .window import Window


@dataclass
class Decoded:
    """What a file holds."""

    header: Header
    latents: Array | None
    """(h, w, C) integers; None of a file of tiles."""
    pixels: Array | None
    """(H, W, 1, 2, 3 or 4) uint8: grey or colours, then opacity; None where the model's
    transforms are no integers."""
    rgb: Array | None
    """(H, W, 3) what the synthesis paints, or tiles hold."""
    chunks: dict[str, bytes]
    """Metadata by type."""


def decode(data: bytes, weights: Weights, num_layers: int | None = None) -> Decoded:
    """Decode a file; of one in layers, the first `num_layers` if that is given."""
    file = parse(data)
    header, latents = file.header, None
    alpha = file.chunks.pop("A", None)
    rgb = pixels = None
    if file.tiles:
        rgb = joined(file)
    else:
        check_model(header, weights)
        weights = model_of(weights, header.quality, header.eye)
        latents = decode_latents(file, weights, num_layers)
        if "lapped.gains" in weights.tensors:
            synthesis = Synthesis(weights, header.quality, header.eye)
            rgb = synthesis.pixels(latents, header.height, header.width)
    if rgb is not None:
        planes = [grey_of(rgb)[..., None] if header.grey else rgb]
        if alpha is not None:
            planes.append(opacity(alpha, header)[..., None])
        pixels = np.concatenate(planes, axis=2)
    return Decoded(header, latents, pixels, rgb, file.chunks)


def check_model(header: Header, weights: Weights) -> None:
    """Refuse other weights than those of the file."""
    config = weights.config
    needed = f"the file needs the model {header.model_id.hex()}"
    require(header.model_id == weights.model_id, f"{needed}, this is {weights.model_id.hex()}")
    require(not header.eye or bool(config["rate"].get("eye")), "the model has no tune for the eye")
    options = config["schedule"]
    found = (options["steps"], round(10 * options["alpha"]), options["order"], options["seed"])
    same = found == (header.steps, header.alpha, header.order, header.seed)
    require(same, "the file has another schedule than its model")


def decode_latents(file: File, weights: Weights, num_layers: int | None) -> Array:
    """All windows, put together and checked."""
    header, network = file.header, Network(weights)
    height, width = schedule.num_tokens(header.height), schedule.num_tokens(header.width)
    places = schedule.windows(height, width, network.entropy["window"])
    layers = file.layers[:num_layers]
    if layers:
        streams = list(zip(*(layer.parts for layer in layers), strict=True))
        steps = [layer.num_steps for layer in layers]
    else:
        streams = [(stream,) for strip in file.strips for stream in strip.streams]
        steps = [header.steps]
    require(len(streams) == len(places), "the file has another number of windows than its picture")
    latents = np.zeros((height, width, network.num_channels), np.int64)
    crcs = []
    for place, parts in zip(places, streams, strict=True):
        options = weights.config["schedule"]
        window = Window(network, options, place.height, place.width, header.aim)
        crcs.append(window.decode(parts, steps))
        rows, columns = slice(place.top, None), slice(place.left, None)
        latents[rows, columns][: place.height, : place.width] = window.y_hat.reshape(
            place.height, place.width, -1
        )
    if layers:
        check_layers(file, crcs)
    else:
        check_strips(file, latents, places)
    return latents


def joined(file: File) -> Array:
    """(H, W, 3) the pixels of all tiles. Any reader of lossless WebP files will do."""
    rgb = np.zeros((file.header.height, file.header.width, 3), np.uint8)
    for tile, (y, x, height, width) in zip(file.tiles, tiles(file.header), strict=True):
        chunk = b"VP8L" + len(tile).to_bytes(4, "little") + tile + b"\0" * (len(tile) % 2)
        webp = b"RIFF" + (len(chunk) + 4).to_bytes(4, "little") + b"WEBP" + chunk
        image = Image.open(io.BytesIO(webp), formats=["WEBP"])
        rgb[y : y + height, x : x + width] = np.asarray(image)
    return rgb


def check_strips(file: File, latents: Array, places: list[schedule.Window]) -> None:
    """The latents CRC of each strip."""
    windows = iter(places)
    for strip in file.strips:
        crc = 0
        for place in itertools.islice(windows, len(strip.streams)):
            block = latents[place.top :, place.left :][: place.height, : place.width]
            crc = zlib.crc32(as_int32(block), crc)
        require(crc == strip.latents_crc, "the latents of a strip are wrong")


def check_layers(file: File, crcs: list[list[int]]) -> None:
    """The latents CRC of each layer: that of those of its windows."""
    for layer, found in zip(file.layers, zip(*crcs, strict=True), strict=False):
        crc = zlib.crc32(b"".join(crc.to_bytes(4, "little") for crc in found))
        require(crc == layer.latents_crc, "the latents of a layer are wrong")


def grey_of(rgb: Array) -> Array:
    """(H, W, 3) -> (H, W)."""
    return ((rgb.astype(np.int64) @ [19595, 38470, 7471] + 2**15) >> 16).astype(np.uint8)


def opacity(png: bytes, header: Header) -> Array:
    """The grey PNG of chunk `A`: (H, W). Any reader of PNG will do."""
    image = Image.open(io.BytesIO(png), formats=["PNG"])
    same = image.mode == "L" and image.size == (header.width, header.height)
    require(same, "the opacity is no grey picture of the image's size")
    return np.array(image)


def latents_sha256(latents: Array) -> str:
    """Of tokens in raster order, as int32."""
    return hashlib.sha256(as_int32(latents)).hexdigest()


def pixels_sha256(pixels: Array) -> str:
    """Of pixels in raster order."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
