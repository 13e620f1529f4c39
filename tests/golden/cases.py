"""The golden files: which models there are, and what each file is made of."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from m2t.checksums import latents_crc
from m2t.codec import Codec
from m2t.config import (
    Aim,
    EntropyConfig,
    Lossless,
    ModelConfig,
    RateConfig,
    ScheduleConfig,
    TransformConfig,
    Tune,
)
from m2t.container import Bitstream, Strip
from m2t.geometry.windows import Latents
from m2t.presets import paper, tiny
from m2t.rans import Encoder

from ..conftest import photograph, vary

LAPPED = TransformConfig(kind="lapped", latent_channels=4, width=8, blocks=1, render_width=8)
INTEGERS = dataclasses.replace(LAPPED, fine_blocks=1, linear_analysis=True)
ELIC = TransformConfig(kind="elic", latent_channels=10, width=8, blocks=1)
LEAST = TransformConfig(
    kind="lapped", latent_channels=4, width=8, blocks=0, render_width=4, linear_analysis=True
)


def configs() -> dict[str, ModelConfig]:
    """The models, by name: all that a configuration may say, between them."""
    masked = dataclasses.replace(
        tiny(),
        name="m2t",
        transform=LAPPED,
        entropy=dataclasses.replace(tiny().entropy, slices=(1, 1, 2)),
        rate=RateConfig(),
    )
    schedule = dataclasses.replace(masked.schedule, order="entropy")
    return {
        "m2t": masked,
        "tunes": dataclasses.replace(masked, name="tunes", rate=tiny().rate),
        "integers": dataclasses.replace(
            masked, name="integers", transform=INTEGERS, rate=tiny().rate
        ),
        "later": dataclasses.replace(
            vary(masked, slices_from=(-2.0, -2.0, 0.3), width=16, layers=1, mlp_width=24),
            name="later",
            transform=INTEGERS,
            rate=dataclasses.replace(tiny().rate, psnr=((1.0, -1.0), (60.0, 0.2), (100.0, 1.4))),
        ),
        "mt": dataclasses.replace(vary(masked, masking="mt"), name="mt", schedule=schedule),
        "paper": dataclasses.replace(
            vary(paper(), width=32, layers=1, heads=2, mlp_width=48, window=5), transform=ELIC
        ),
        "random": ModelConfig(
            name="random",
            transform=LEAST,
            entropy=EntropyConfig(window=5, width=16, layers=1, heads=4, mlp_width=24, mixtures=2),
            schedule=ScheduleConfig(order="random", steps=4, alpha=1.0, seed=7),
            rate=RateConfig(lmbda_min=0.01, lmbda_max=0.01),
        ),
        "raster": ModelConfig(
            name="raster",
            transform=dataclasses.replace(LEAST, blocks=1),
            entropy=EntropyConfig(
                masking="mt",
                window=3,
                width=16,
                layers=1,
                heads=1,
                mlp_width=8,
                style="relu",
                delta=0.0,
                neighbours=True,
                head="sliced",
                slices=(4,),
                head_width=8,
                mixtures=1,
            ),
            schedule=ScheduleConfig(order="raster", steps=300, alpha=0.7),
            rate=RateConfig(eye=((1.0, -0.5), (100.0, 2.0)), eye_strength=0.5),
        ),
    }


def as_it_is(codec: Codec, stream: Bitstream) -> None:
    """Leave a file as it was written."""


def with_strips(codec: Codec, stream: Bitstream) -> None:
    """A strip for each window, and a chunk that this version does not know."""
    y_hat = codec.decode_latents(stream)
    windows = zip(stream.windows, codec.windows(y_hat.shape[:2]), strict=True)
    stream.strips = [Strip([data], latents_crc(y_hat, [window])) for data, window in windows]
    stream.metadata["z"] = b"of a later version"


def with_rows(codec: Codec, stream: Bitstream) -> None:
    """A strip for each row of windows, and a chunk that this version does not know."""
    y_hat, strips = codec.decode_latents(stream), []
    windows = codec.windows(y_hat.shape[:2])
    for top in sorted({window.top for window in windows}):
        row = [i for i, window in enumerate(windows) if window.top == top]
        crc = latents_crc(y_hat, [windows[i] for i in row])
        strips.append(Strip([stream.windows[i] for i in row], crc))
    stream.strips = strips
    stream.metadata["z"] = b"of a later version"


def with_escapes(codec: Codec, stream: Bitstream) -> None:
    """Symbols that no mixture expects, up to the ends of their range."""
    y_hat = codec.decode_latents(stream)
    y_hat[0, :, 0] = np.resize([3000, -3000, 10**6, -(10**6), 2**24, -(2**24)], y_hat.shape[1])
    stream.strips = [coded(codec, y_hat, stream.header.aim)]


def coded(codec: Codec, y_hat: Latents, aim: Aim) -> Strip:
    """Any tokens as a strip."""
    size = y_hat.shape[:2]
    streams = codec.code(size, aim, lambda _: Encoder(), y_hat).results
    return Strip(streams, latents_crc(y_hat, codec.windows(size)))


OTHER_METADATA: dict[str, Any] = {
    "dpi": (300.0, 299.5),
    "comment": b"a comment",
    "photoshop": {0x0404: b"\x1c\x02\x78\x00\x04text"},
    "texts": {"Title": "Möwen", "Author": ""},
}
"""What `described` does not have, as Pillow has it."""


class Case(NamedTuple):
    """What a file is made of."""

    model: str
    image: Image.Image
    quality: int
    change: Callable[[Codec, Bitstream], None] = as_it_is
    tune: Tune = "psnr"
    layers: int = 1
    lossless: Lossless = "never"


def cases() -> dict[str, Case]:
    """All files, by name."""
    alpha, described, full = photograph(50, 40), photograph(30, 20), photograph(35, 33, seed=2)
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    exif = Image.Exif()
    exif[0x010F] = "maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    described.info |= {"icc_profile": profile.tobytes(), "exif": exif.tobytes(), "xmp": xmp}
    full.info |= described.info | OTHER_METADATA
    full.putalpha(Image.radial_gradient("L").resize(full.size))
    large = photograph(130, 110, seed=1)
    return {
        "rgb": Case("m2t", photograph(64, 48), 50),
        "grey": Case("m2t", photograph(40, 50).convert("L"), 60),
        "alpha": Case("m2t", alpha, 40),
        "grey_alpha": Case("m2t", alpha.convert("LA"), 1),
        "metadata": Case("m2t", described, 70),  # kept from before metadata were deflated
        "deflated": Case("integers", described, 70, tune="eye"),
        "pixel": Case("m2t", photograph(1, 1), 100),
        "windows": Case("m2t", large, 80),
        "strips": Case("m2t", large, 30, with_strips),
        "escapes": Case("m2t", photograph(100, 16), 50, with_escapes),
        "tune_psnr": Case("tunes", photograph(64, 48), 60),
        "tune_eye": Case("tunes", photograph(64, 48), 60, tune="eye"),
        "tune_eye_grey": Case("tunes", large.convert("L"), 25, tune="eye"),
        "integers_psnr": Case("integers", photograph(64, 48), 60),
        "integers_eye": Case("integers", large, 40, tune="eye"),
        "integers_escapes": Case("integers", photograph(100, 16), 50, with_escapes, "eye"),
        "later_low": Case("later", large, 63),
        "later_high": Case("later", large, 64),
        "later_eye": Case("later", photograph(64, 48), 45, tune="eye"),
        "layers_later": Case("later", photograph(64, 48), 60, tune="eye", layers=3),
        "layers": Case("integers", large, 50, tune="eye", layers=4),
        "layers_grey_alpha": Case("integers", alpha.convert("LA"), 70, layers=2),
        "layers_pixel": Case("integers", photograph(1, 1), 50, layers=5),
        "layers_mt": Case("mt", large, 60, layers=3),
        "lossless": Case("integers", described, 50, lossless="always"),
        "lossless_grey_alpha": Case("integers", alpha.convert("LA"), 50, lossless="always"),
        "lossless_tiles": Case("integers", photograph(4100, 3), 50, lossless="always"),
        "mt": Case("mt", large, 60),
        "mt_pixel": Case("mt", photograph(1, 1), 50),
        "lowest": Case("integers", photograph(64, 48), 1),
        "highest": Case("integers", photograph(64, 48), 100, tune="eye"),
        "integers_pixel": Case("integers", photograph(1, 1), 100, tune="eye"),
        "integers_grey": Case("integers", photograph(17, 31).convert("L"), 20, tune="eye"),
        "integers_alpha": Case("integers", alpha, 35),
        "rows": Case("integers", photograph(97, 112), 5, with_rows, "eye"),
        "wide": Case("integers", photograph(300, 16), 5),
        "metadata_all": Case("integers", full, 70, tune="eye"),
        "layers_metadata_all": Case("integers", full, 99, layers=3),
        "layers_wide": Case("integers", photograph(300, 16), 5, tune="eye", layers=5),
        "random": Case("random", photograph(83, 40), 50),
        "layers_random": Case("random", photograph(83, 40), 50, layers=2),
        "raster": Case("raster", photograph(50, 70), 62, tune="eye"),
        "layers_raster": Case("raster", photograph(50, 70), 62, tune="psnr", layers=7),
        "paper": Case("paper", large, 90),
        "paper_grey": Case("paper", photograph(17, 31).convert("L"), 20),
    }
