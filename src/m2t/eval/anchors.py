"""Classical codecs to compare with: what Pillow and its plugins write, MozJPEG and jpegli."""

import importlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image, features

from .codec import Codec


def _decode(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageCodec(Codec):
    """One of Pillow's lossy formats, whose knob is an integer quality."""

    format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    lowest: int = 0
    highest: int = 100
    feature: str | None = None
    """The library behind it, where it is Pillow's own."""
    plugin: tuple[str, str, str] | None = None
    """Otherwise: the package to install, the module to import, its function to call if any."""

    def missing(self) -> str | None:
        """Pillow's own formats may be left out of a build; the others are packages."""
        if self.plugin is not None:
            package, module, _ = self.plugin
            return None if find_spec(module) else f"pip install {package}"
        there = self.feature is None or features.check(self.feature)
        return None if there else f"pip install a Pillow built with {self.feature}"

    def version(self) -> str:
        """The package's version, and the library's where Pillow tells it."""
        package = self.plugin[0] if self.plugin else "pillow"
        library = f", {self.feature} {features.version(self.feature)}" if self.feature else ""
        return f"{package} {version(package)}{library}"

    def encode(self, image: Image.Image, setting: float) -> bytes:
        """A complete file, container included."""
        self._register()
        buffer = io.BytesIO()
        image.save(buffer, self.format, **self._knob(setting), **self.options)
        return buffer.getvalue()

    def decode(self, data: bytes) -> Image.Image:
        """The image of a file, as RGB."""
        self._register()
        return _decode(data)

    def at_size(self, image: Image.Image, num_bytes: int) -> bytes | None:
        """The file of highest quality among those of at most `num_bytes`; None if there is none.

        By bisection: files are taken to grow with quality, which holds but for a few bytes.
        """
        low, high, best = self.lowest, self.highest, None
        while low <= high:
            quality = (low + high) // 2
            data = self.encode(image, quality)
            if len(data) <= num_bytes:
                best, low = data, quality + 1
            else:
                high = quality - 1
        return best

    def _knob(self, setting: float) -> dict[str, Any]:
        return {"quality": int(setting)}

    def _register(self) -> None:
        if self.plugin is not None:
            _, module, function = self.plugin
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()


@dataclass(frozen=True, eq=False, kw_only=True)
class AVIF(ImageCodec):
    """By libaom, which is asked for a way of tuning that old ones lack."""

    def missing(self) -> str | None:
        """Known by trying: Pillow does not tell libaom's version."""
        advice = super().missing()
        if advice is None:
            try:
                self.encode(Image.new("RGB", (16, 16)), 50)
            except ValueError:
                advice = f"pip install -U pillow: this one's libaom lacks {self.label}"
        return advice


@dataclass(frozen=True, eq=False, kw_only=True)
class JPEG2000(ImageCodec):
    """Its knob is the compression ratio aimed at."""

    def _knob(self, setting: float) -> dict[str, Any]:
        return {"quality_layers": [setting]}


@dataclass(frozen=True, eq=False, kw_only=True)
class MozJPEG(Codec):
    """JPEG by MozJPEG, which libvips carries: trellis quantisation, optimised scans."""

    def missing(self) -> str | None:
        """Libvips comes with its own libraries."""
        return None if find_spec("pyvips") else "pip install 'pyvips[binary]'"

    def version(self) -> str:
        """Of the package; its libraries are built in."""
        return f"pyvips-binary {version('pyvips-binary')}"

    def encode(self, image: Image.Image, setting: float) -> bytes:
        """A progressive JPEG file, 4:2:0."""
        pyvips = importlib.import_module("pyvips")
        pixels = pyvips.Image.new_from_array(np.asarray(image), interpretation="srgb")
        return pixels.jpegsave_buffer(
            Q=int(setting),
            subsample_mode="on",
            interlace=True,
            trellis_quant=True,
            overshoot_deringing=True,
            optimize_scans=True,
        )

    def decode(self, data: bytes) -> Image.Image:
        """The image of a file, as RGB."""
        return _decode(data)


@dataclass(frozen=True, eq=False, kw_only=True)
class Jpegli(Codec):
    """JPEG by jpegli, made for the eye: adaptive quantisation, tables of its own.

    Its package writes sequential files only; progressive ones would be a few percent smaller.
    """

    def missing(self) -> str | None:
        """The package carries the library."""
        return None if find_spec("pyjpegli") else "pip install pyjpegli"

    def version(self) -> str:
        """Of the package; the library is built in."""
        return f"pyjpegli {version('pyjpegli')}"

    def encode(self, image: Image.Image, setting: float) -> bytes:
        """A sequential JPEG file, 4:2:0."""
        pyjpegli = importlib.import_module("pyjpegli")
        return pyjpegli.encode(image.tobytes(), *image.size, quality=int(setting))

    def decode(self, data: bytes) -> Image.Image:
        """The image of a file, as RGB."""
        return _decode(data)


_AVIF_SETTINGS = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80)
_JXL_SETTINGS = (1, 5, 15, 30, 45, 60, 75, 85, 92)


def _avif(name: str, subsampling: str, tune: str) -> AVIF:
    return AVIF(
        name=name,
        label=f"AVIF ({subsampling}, tune={tune}, speed 4)",
        format="AVIF",
        suffix=".avif",
        feature="avif",
        options={
            "speed": 4,
            "subsampling": subsampling,
            "advanced": {"tune": tune},
            "max_threads": 1,
        },
        settings=_AVIF_SETTINGS,
    )


def _jxl(name: str, effort: int) -> ImageCodec:
    return ImageCodec(
        name=name,
        label=f"JPEG XL (effort {effort})",
        format="JXL",
        suffix=".jxl",
        highest=99,  # 100 means lossless to the plugin, which then refuses its other options
        plugin=("pillow-jxl-plugin", "pillow_jxl", ""),
        options={"effort": effort, "num_threads": 1},
        settings=_JXL_SETTINGS,
    )


_CODECS: tuple[Codec, ...] = (
    MozJPEG(
        name="mozjpeg",
        label="MozJPEG (4:2:0)",
        suffix=".jpg",
        settings=(3, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90),
    ),
    Jpegli(
        name="jpegli",
        label="jpegli (4:2:0, sequential)",
        suffix=".jpg",
        settings=(1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90),
    ),
    JPEG2000(
        name="jpeg2000",
        label="JPEG 2000 (OpenJPEG)",
        format="JPEG2000",
        suffix=".j2k",
        feature="jpg_2000",
        options={"quality_mode": "rates", "irreversible": True, "mct": 1, "no_jp2": True},
        settings=(480, 300, 160, 90, 56, 36, 24, 16, 11),
        knob="ratio",
    ),
)
_IMAGE_CODECS = (
    ImageCodec(
        name="jpeg",
        label="JPEG (4:2:0, optimised Huffman tables)",
        format="JPEG",
        suffix=".jpg",
        feature="libjpeg_turbo",
        options={"optimize": True, "subsampling": "4:2:0"},
        lowest=1,
        highest=95,
        settings=(3, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 85, 90),
    ),
    ImageCodec(
        name="webp",
        label="WebP (method 6)",
        format="WEBP",
        suffix=".webp",
        feature="webp",
        options={"method": 6},
        settings=(0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90),
    ),
    # Pillow's default for AVIF is tuned for the eye (tune=iq, speed 6), with chroma at half
    # resolution: both cost PSNR. Hence several: the best for PSNR, what a user gets, and the best
    # for the eye.
    _avif("avif", "4:4:4", "psnr"),
    _avif("avif_iq", "4:4:4", "iq"),
    _avif("avif_ssimulacra2", "4:4:4", "ssimulacra2"),
    _avif("avif_ssimulacra2_420", "4:2:0", "ssimulacra2"),
    ImageCodec(
        name="avif_default",
        label="AVIF (Pillow's defaults)",
        format="AVIF",
        suffix=".avif",
        feature="avif",
        options={"max_threads": 1},
        settings=_AVIF_SETTINGS,
    ),
    # JPEG XL aims at the eye, in XYB: PSNR understates it.
    _jxl("jxl", 7),
    _jxl("jxl_effort9", 9),
    # HEVC intra, 4:4:4, by x265: the coder of BPG.
    ImageCodec(
        name="heic",
        label="HEIC (4:4:4, x265 slow, tune=psnr)",
        format="HEIF",
        suffix=".heic",
        plugin=("pillow-heif", "pillow_heif", "register_heif_opener"),
        options={"chroma": "444", "enc_params": {"preset": "slow", "tune": "psnr"}},
        settings=(1, 5, 10, 20, 30, 40, 50, 60),
    ),
)

CODECS = {codec.name: codec for codec in _IMAGE_CODECS}
"""Those that can be asked for a size."""
ANCHORS: dict[str, Codec] = {codec.name: codec for codec in (*_IMAGE_CODECS, *_CODECS)}
"""All of them."""
