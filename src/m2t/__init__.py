"""M2T, a learned image codec.

    import m2t
    from PIL import Image

    data = m2t.compress(Image.open("photo.jpg"), quality=50)
    image = m2t.decompress(data)

Importing this module is cheap: NumPy and Pillow are loaded at the first use of one of its names.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from typing import IO

    from PIL.Image import Image

    from .codec import Codec
    from .config import Lossless, Tune
    from .errors import M2TError
    from .image import AnyImage
    from .progress import Progress
    from .target import Target

__version__ = "0.1.0"
__all__ = [
    "Codec",
    "M2TError",
    "Target",
    "__version__",
    "compress",
    "decompress",
    "decompress_steps",
    "load",
]

_HOMES = {"Codec": ".codec", "M2TError": ".errors", "Target": ".target"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return __all__


def load(
    name_or_path: "str | os.PathLike[str] | None" = None,
    *,
    device: str = "cpu",
    num_threads: "int | None" = None,
) -> "Codec":
    """A Codec with the weights of that name or file; None: those that come with this package.

    Weights that were not exported to integers, and devices such as "cuda", take PyTorch
    (`pip install 'm2t[train]'`). Raises ModelError where weights are unknown or damaged.
    """
    weights = importlib.import_module(".weights", __name__)
    found = weights.read_weights(weights.locate(name_or_path))
    if found.exported and device == "cpu":
        return __getattr__("Codec").of(found, num_threads)
    try:
        learned = importlib.import_module(".learn.load", __name__)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        errors = importlib.import_module(".errors", __name__)
        text = "needs PyTorch for weights that are floats, or a GPU: pip install 'm2t[train]'"
        raise errors.ModelError(text) from error
    return learned.codec_of(found, device, num_threads)


def compress(
    image: "AnyImage",
    quality: "int | Target" = 50,
    *,
    tune: "Tune | None" = None,
    effort: int = 1,
    layers: int = 1,
    lossless: "Lossless" = "auto",
    progress: "Progress | None" = None,
) -> bytes:
    """A Pillow image of any mode, or an array (H, W, 3) uint8, as the bytes of an .m2t file.

    It takes the default weights and what Codec.compress takes: `quality` is 1 to 100, or a Target,
    as Target("size", 200_000), `tune` "eye" (the default) or "psnr", `effort` 0 (fastest) to 9
    (smallest); with several `layers`, the first bytes are a whole, coarse picture. Where a file
    that keeps every pixel is no larger, it is that one ("auto"); `lossless` may also be "always" or
    "never". Raises ImageError where the image cannot be represented, ConfigError where the target
    cannot be had. For many images, `load` a codec once.
    """
    options = {"tune": tune, "effort": effort, "layers": layers, "lossless": lossless}
    return load().compress(image, quality, progress=progress, **options)


def decompress(
    data: bytes,
    progress: "Progress | None" = None,
    *,
    region: "Sequence[int] | None" = None,
    scale: int = 1,
    upto: "int | None" = None,
    partial: bool = False,
    samples: int = 0,
    max_pixels: int = 1 << 30,
) -> "Image":
    """The image in the bytes of an .m2t file: L, LA, RGB or RGBA, metadata in `info`.

    `region` is x, y, width and height of the part that is wanted, in pixels; `scale` is 2, 4 or 8
    for an image with a half, a quarter or an eighth of the sides; images, or regions, of more than
    `max_pixels` are refused. Of a file in layers, `upto` shows so many; with `partial`, a file
    that ends too early or is damaged is shown as far as it is intact, with a warning. What is
    missing of layers is shown as the model expects it, or as the mean of 1 to 100 `samples` of it.
    Raises FormatError where the bytes are damaged, UnknownModel where their weights are not here,
    ConfigError where there is no such region, scale or number of samples.
    """
    view = {"region": region, "scale": scale, "max_pixels": max_pixels}
    codec = __getattr__("Codec").for_file(data)
    layers = {"upto": upto, "partial": partial, "samples": samples}
    return codec.decompress(data, progress, **layers, **view)


def decompress_steps(
    source: "Iterable[bytes] | IO[bytes]", codec: "Codec | None" = None, *, samples: int = 0
) -> "Iterator[tuple[int, Image]]":
    """The pictures of an .m2t file while its bytes arrive: after each layer, (layer from 1, image).

    `source` is a file object, or yields bytes; a file without layers gives one picture, at its end.
    Without a codec, the file says which weights it needs. `samples` are those of decompress.
    Raises what decompress does, Truncated where the bytes end before the last layer.
    """
    return importlib.import_module(".progressive", __name__).decompress_steps(
        source, codec, samples=samples
    )
