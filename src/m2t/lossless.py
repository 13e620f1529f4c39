"""Pictures without loss: in tiles, each the bitstream of a WebP file, made and read by Pillow.

Text, drawings and screens without noise often take fewer bytes so than as tokens.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features
from PIL.WebPImagePlugin import WebPImageFile

from .config import Aim
from .container import Bitstream
from .container.header import lossless_header
from .container.tiles import boxes
from .errors import Corrupt, OutputError
from .geometry.regions import Region
from .geometry.windows import Window, which
from .image import Picture, decode_alpha
from .image.alpha import filled
from .image.guard import pillow_errors
from .progress import Meter, Progress
from .views import View

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB."""
METHOD, EFFORT = 6, 80
"""Of libwebp. An effort of 100 takes 6 to 70 times as long, for 1 to 4 % of most drawings."""
SAMPLE_SIDE, BLOCK = 256, 64
"""Pixels along a side of what stands for a picture, and of the blocks that it is made of."""
GATES = ((0, 0, 5.0), (4, 50, 2.0))
"""Method and effort that a sample is coded with, and by what factor its rate is beyond that of a
picture which is still worth a try. It is too high, for much that repeats is not in the sample; and
more so where little is tried. Of photographs, the first tells nearly all (docs/log.md)."""
_RIFF, _VP8L = b"RIFF", b"VP8L"


def lossless_file(
    picture: Picture,
    aim: Aim,
    num_bytes: int | None = None,
    progress: Progress | None = None,
) -> bytes | None:
    """A picture's file without loss; None where it has more than `num_bytes`, or so it seems.

    Args:
        aim: that of the file which it takes the place of.
        progress: called with the share done so far, 0..1.

    Raises OutputError where Pillow cannot write WebP.
    """
    height, width = picture.rgb.shape[:2]
    header = lossless_header(width, height, aim, picture.grey)
    stream = Bitstream(header, [], picture.metadata, picture.packed_alpha)
    left = None if num_bytes is None else num_bytes - len(stream.pack_head())
    rgb = picture.rgb
    if picture.alpha is not None:  # colours that nobody sees cost least where they are one
        rgb = np.where(picture.alpha[..., None] == 0, np.uint8(0), rgb)
    if left is not None and not is_worth_a_try(rgb, left):
        return None
    meter = Meter(progress, height * width)
    for top, x, rows, columns in boxes(width, height):
        stream.tiles.append(_encoded(rgb[top : top + rows, x : x + columns]))
        if left is not None and sum(map(len, stream.tiles)) > left:
            return None
        meter.add(rows * columns)
    data = stream.pack()
    return None if num_bytes is not None and len(data) > num_bytes else data


def is_worth_a_try(rgb: Pixels, num_bytes: int) -> bool:
    """Whether pixels (H, W, 3) might take no more than so many bytes, by a sample of them."""
    if not features.check("webp"):
        return False
    some = sample(rgb)
    share = some.size / rgb.size
    return all(
        len(_encoded(some, method, effort)) <= factor * share * num_bytes
        for method, effort, factor in GATES
    )


def sample(rgb: Pixels) -> Pixels:
    """Blocks from all over pixels (H, W, 3), side by side; all of a small picture."""
    height, width = rgb.shape[:2]
    if height * width <= SAMPLE_SIDE**2:
        return rgb
    # A picture with a short side has all of it in the sample, and more blocks along the other one.
    rows = min(height, max(SAMPLE_SIDE, SAMPLE_SIDE**2 // width))
    columns = min(width, SAMPLE_SIDE**2 // rows)
    return rgb[np.ix_(_spread(height, rows), _spread(width, columns))]


def _spread(length: int, count: int) -> NDArray[np.intp]:
    """So many places of a line, in blocks of BLOCK with equal gaps between them."""
    places = np.arange(count)
    blocks = max(-(-count // BLOCK) - 1, 1)
    return places + (places // BLOCK) * (length - count) // blocks


def pixels_of(
    stream: Bitstream,
    view: View | None = None,
    progress: Progress | None = None,
    alpha: Pixels | None = None,
) -> Pixels:
    """The pixels of a file without loss, or a view of them; decodes no other tiles, where opaque.

    Under full transparency, colours go on smoothly, as in a Picture. `alpha` is the opacity of the
    whole picture (H, W), where it has been decoded already. Raises Corrupt.
    """
    header = stream.header
    everything = View.of(header, lambda scale: 0)
    view = view or everything
    if stream.alpha is None:
        return view.small(_joined(stream, view.region, progress))
    if alpha is None:
        alpha = decode_alpha(stream.alpha, (header.width, header.height))
    return view.plane(filled(_joined(stream, everything.region, progress), alpha))


def _joined(stream: Bitstream, region: Region, progress: Progress | None) -> Pixels:
    """The pixels of a region, of the tiles that have some."""
    header = stream.header
    x, y, width, height = region
    part = Window(y, x, height, width)
    places = [Window(*box) for box in boxes(header.width, header.height)]
    chosen = which(places, part)[0]
    meter = Meter(progress, sum(places[i].area for i in chosen))
    rgb = np.empty((height, width, 3), np.uint8)
    for i in chosen:
        place, common = places[i], places[i].common(part)
        tile = _decoded(stream.tiles[i], (place.width, place.height))
        here, there = common.seen_from(part), common.seen_from(place)
        rgb[here.rows, here.columns] = tile[there.rows, there.columns]
        meter.add(place.area)
    return rgb


def _encoded(rgb: Pixels, method: int = METHOD, effort: int = EFFORT) -> bytes:
    """Pixels (h, w, 3) as a tile."""
    buffer = io.BytesIO()
    with pillow_errors(OutputError, "cannot code without loss"):
        image = Image.fromarray(np.ascontiguousarray(rgb))
        image.save(buffer, "WEBP", lossless=True, method=method, quality=effort)
    data = buffer.getvalue()
    assert data[12:16] == _VP8L, "a WebP file without metadata has one chunk"
    return data[20 : 20 + int.from_bytes(data[16:20], "little")]


def _decoded(tile: bytes, size: tuple[int, int]) -> Pixels:
    """The pixels (h, w, 3) of a tile, of which parse_tile() has looked at the (width, height)."""
    chunk = _VP8L + len(tile).to_bytes(4, "little") + tile + b"\0" * (len(tile) % 2)
    file = _RIFF + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk
    with pillow_errors(Corrupt, "damaged tile"):
        image = WebPImageFile(io.BytesIO(file))  # without Pillow's limit of pixels
        if image.size != size or image.mode != "RGB":
            raise Corrupt(f"tile is {image.mode} of {image.size}, not RGB of {size}")
        return np.asarray(image)
