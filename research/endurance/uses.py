"""Ways to use the library, each told by a number: all that a caller can do with small pictures."""

import hashlib
import io
import random
import warnings
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image

import m2t
import m2t.pillow
from m2t.codec import Codec
from m2t.container import parse_header
from m2t.errors import M2TError
from m2t.image import open_image

from .trees import photograph, png

WIDEST, HIGHEST = 600, 400
SHIPPED = 50
"""One use of so many is of the weights that come with the package, loaded anew."""
MODES = ("RGB", "RGB", "RGB", "L", "LA", "RGBA", "CMYK", "P")


def use(codec: Codec, number: int) -> bytes:
    """SHA-256 of what comes of a use; equal numbers give equal hashes."""
    rng = random.Random(number)
    action = shipped if number % SHIPPED == 0 else rng.choice(ACTIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = action(codec.on_threads(2) if rng.random() < 0.05 else codec, rng)
        except (M2TError, OSError) as error:
            return hashlib.sha256(f"{type(error).__name__}: {error}".encode()).digest()
    return hashlib.sha256(found).digest()


def picture(rng: random.Random, most: float = 1.0) -> Image.Image:
    """A picture of any mode, from 1x1 to 600x400, the small ones as likely as the large."""
    width, height = (round((n * most) ** rng.random()) for n in (WIDEST, HIGHEST))
    image = photograph(width, height, rng.getrandbits(32)).convert(rng.choice(MODES))
    if image.mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    if rng.random() < 0.2:
        image.info = {"icc_profile": rng.randbytes(99), "comment": b"words"}
    return image


def options(rng: random.Random) -> dict[str, Any]:
    """How it is compressed."""
    return {
        "quality": rng.randint(1, 100),
        "tune": rng.choice(("eye", "psnr")),
        "effort": rng.choice((0, 1, 2)),
        "layers": rng.choice((1, 1, 2, 3)),
        "lossless": rng.choice(("auto", "never", "never", "always")),
    }


def made(codec: Codec, rng: random.Random) -> bytes:
    """A file of any kind."""
    return codec.compress(picture(rng), **options(rng))


def whole(codec: Codec, rng: random.Random) -> bytes:
    """There and back."""
    data = made(codec, rng)
    return data + codec.decompress(data).tobytes()


def parts(codec: Codec, rng: random.Random) -> bytes:
    """A region, a small picture, the first layer; some regions do not exist."""
    data = made(codec, rng)
    header = parse_header(data)
    x, y = (rng.randrange(n) for n in (header.width, header.height))
    region = [x, y, rng.randint(1, header.width - x), rng.randint(1, header.height - y)]
    region[0] += rng.choice((0, 0, 0, header.width))
    views: list[dict[str, Any]] = [
        {"scale": rng.choice((2, 4, 8))},
        {"upto": 1},
        {"samples": 2, "upto": 1},
        {"max_pixels": 10_000},
        {"region": region},
    ]
    return codec.decompress(data, **rng.choice(views)).tobytes()


def damaged(codec: Codec, rng: random.Random) -> bytes:
    """A file that is changed somewhere, or ends too early, shown as far as it is intact."""
    data = bytearray(made(codec, rng))
    if rng.random() < 0.5:
        del data[rng.randrange(len(data)) :]
    else:
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    return codec.decompress(bytes(data), partial=rng.random() < 0.7).tobytes()


def arriving(codec: Codec, rng: random.Random) -> bytes:
    """Pictures while bytes arrive, not always to the end."""
    how = options(rng)
    how["layers"] = 3
    data = codec.compress(picture(rng), **how)
    pieces = (data[i : i + 100] for i in range(0, len(data), 100))
    shown = m2t.decompress_steps(pieces, codec)
    return b"".join(image.tobytes() for _, image in islice(shown, rng.randint(1, 3)))


def aimed(codec: Codec, rng: random.Random) -> bytes:
    """To a size or a fidelity."""
    target = rng.choice((m2t.Target("size", 3_000), m2t.Target("psnr", 25)))
    return codec.compress(picture(rng, 0.3), target)


def no_picture(codec: Codec, rng: random.Random) -> bytes:
    """A picture's file that is cut, or nonsense."""
    data = png(picture(rng).convert("RGB"))
    data = data[: rng.randrange(len(data))] if rng.random() < 0.7 else rng.randbytes(300)
    return codec.compress(open_image(io.BytesIO(data), 1 << 20))


def by_pillow(codec: Codec, rng: random.Random) -> bytes:
    """As one of Pillow's formats: what only the head tells."""
    m2t.pillow.register()
    with Image.open(io.BytesIO(made(codec, rng))) as image:
        return f"{image.size} {image.mode} {sorted(image.info)}".encode()


def verified(codec: Codec, rng: random.Random) -> bytes:
    """Tokens without pixels."""
    tokens = codec.verified(made(codec, rng))
    return b"lossless" if tokens is None else np.ascontiguousarray(tokens).tobytes()


def shipped(codec: Codec, rng: random.Random) -> bytes:
    """By the functions of the package, with the weights that come with it; Pillow decodes."""
    image = photograph(64, 48, rng.getrandbits(32))
    data = m2t.compress(image, rng.randint(1, 100), effort=rng.choice((0, 1)))
    m2t.pillow.register()
    with Image.open(io.BytesIO(data)) as shown:
        return data + shown.tobytes() + m2t.decompress(data).tobytes()


Action = Callable[[Codec, random.Random], bytes]
ACTIONS: tuple[Action, ...] = (
    *(whole, whole, whole, parts, parts, damaged, damaged),
    *(arriving, aimed, no_picture, by_pillow, verified),
)
