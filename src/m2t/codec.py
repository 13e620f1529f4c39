"""The codec: images to bytes and bytes to images, with one set of weights.

What happens in between is in transforms/ and coding/loop.py (entropy coding); this file connects
them to Pillow's images and to the container.
"""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from . import zoo
from .checkpoint import build_codec, model_id, read_model
from .coding import Coder, Counter, Decoder, Encoder
from .config import STRIDE, TUNES, Aim, ModelConfig, Tune
from .container import Bitstream, Header, Order, parse, parse_header
from .container import Strip as CodedStrip
from .entropy.predictor import Network
from .errors import ConfigError, Corrupt, UnknownModel
from .image import Picture, decode_alpha, encode_alpha, from_picture, to_picture
from .latents import Coded, Latents, code_latents, latent_size, latents_crc
from .meter import Meter, Progress
from .refine import CAUTION, DEFAULT_EFFORT, refine
from .strips import Strip, strips
from .transforms import Transforms
from .windows import Window, cut

Result = TypeVar("Result")

TOKENS_PER_STRIP = 16384
"""Area (4 megapixels) that the transforms take at once."""
LATENT_LIMIT = 2**24


class Codec:
    """One model, ready to compress and decompress. Safe to share; holds no state between calls."""

    def __init__(self, transforms: Transforms, network: Network, identity: bytes) -> None:
        self.transforms = transforms.eval().requires_grad_(False)
        # Dense convolutions run faster so on a CPU. (PyTorch's stubs do not know this call.)
        self.transforms.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network
        self.config = network.config
        self.identity = identity
        """The model id that files carry."""

    @classmethod
    def load(
        cls, name_or_path: str | os.PathLike[str] | None = None, *, device: str = "cpu"
    ) -> "Codec":
        """The codec with shipped weights (None: the default ones) or with those of a file.

        Raises UnknownModel or ModelError.
        """
        config, state = read_model(zoo.locate(name_or_path))
        return cls._build(config, state, model_id(config, state), device)

    @classmethod
    def for_file(cls, data: bytes, *, device: str = "cpu") -> "Codec":
        """The codec whose weights an .m2t file names, among the shipped ones.

        Raises UnknownModel or FormatError.
        """
        wanted = parse_header(data).model_id
        for path in zoo.shipped().values():
            config, state = read_model(path)
            if model_id(config, state) == wanted:
                return cls._build(config, state, wanted, device)
        raise UnknownModel(f"needs model {wanted.hex()}, which is not shipped here")

    @classmethod
    def _build(
        cls, config: ModelConfig, state: dict[str, Tensor], identity: bytes, device: str
    ) -> "Codec":
        return cls(*build_codec(config, state, torch.device(device)), identity)

    def compress(
        self,
        image: Image.Image,
        quality: int = 50,
        *,
        tune: Tune | None = None,
        effort: int = DEFAULT_EFFORT,
        progress: Progress | None = None,
    ) -> bytes:
        """An image of any mode and size as the bytes of an .m2t file.

        Args:
            quality: 1 (smallest) to 100 (best).
            tune: "eye" for what people see, or "psnr" for the least squared error; None: for the
                eye, if the model can.
            effort: 0 (fastest) to 9 (smallest file for its quality): see refine.py.
            progress: called with the share done so far, 0..1.

        Raises ConfigError where there is no such option, ImageError for what cannot be held.
        """
        picture = to_picture(image)
        # Before any work, refuse options that there are not, and what the format cannot hold.
        aim = Aim(quality, tune or self.config.rate.default_tune)
        self.config.rate.check(aim)
        if not 0 <= effort < len(CAUTION):
            raise ConfigError(f"effort must be in 0..{len(CAUTION) - 1}, not {effort}")
        header = self._header(picture, aim)
        passes = 1 + len(CAUTION[effort])
        meter = Meter(progress, *latent_size(*picture.rgb.shape[:2]), passes)
        y_hat = self.tokens(picture, aim, effort, meter)
        coded = self.code(y_hat.shape[:2], aim, lambda _: Encoder(), y_hat, meter)
        crc = latents_crc(y_hat, self.windows(y_hat.shape[:2]))
        metadata = {"icc": picture.icc, "exif": picture.exif, "xmp": picture.xmp}
        return Bitstream(
            header=header,
            strips=[CodedStrip(coded.results, crc)],
            metadata={key: value for key, value in metadata.items() if value is not None},
            alpha=None if picture.alpha is None else encode_alpha(picture.alpha),
        ).pack()

    def decompress(self, data: bytes, progress: Progress | None = None) -> Image.Image:
        """The image of an .m2t file: L, LA, RGB or RGBA.

        Raises FormatError, or UnknownModel if other weights made the file.
        """
        stream = parse(data)
        header = stream.header
        meter = Meter(progress, *latent_size(header.height, header.width))
        y_hat = self.decode_latents(stream, meter)
        rgb = self.synthesise(y_hat, header.height, header.width, header.aim, meter)
        alpha = stream.alpha
        if alpha is not None:
            alpha = decode_alpha(alpha, (header.width, header.height))
        metadata = {key: stream.metadata.get(key) for key in ("icc", "exif", "xmp")}
        picture = Picture(rgb, alpha, header.grey, **metadata)
        return from_picture(picture)

    def estimate(self, data: bytes) -> float:
        """What a file's tokens should take, in bits, by the probabilities that code them."""
        stream = parse(data)
        y_hat, aim = self.decode_latents(stream), stream.header.aim
        return sum(self.code(y_hat.shape[:2], aim, lambda _: Counter(), y_hat).results)

    def windows(self, size: Sequence[int]) -> list[Window]:
        """The windows of (h, w) tokens, in the order of the file."""
        return cut(size[0], size[1], self.config.entropy.window)

    def tokens(
        self,
        picture: Picture,
        aim: Aim,
        effort: int = DEFAULT_EFFORT,
        meter: Meter | None = None,
    ) -> Latents:
        """Token integers (h, w, C) that a picture is coded as: analysed, then refined."""
        y_hat = self.analyse(picture, aim, meter)
        return refine(self, picture.rgb, y_hat, aim, effort, meter)

    @torch.inference_mode()
    def analyse(self, picture: Picture, aim: Aim, meter: Meter | None = None) -> Latents:
        """The nearest integers (h, w, C) to the latents of a picture."""
        height, width = picture.rgb.shape[:2]
        rows, columns = latent_size(height, width)
        channels = self.config.transform.latent_channels
        y_hat = np.empty((rows, columns, channels), np.int32)
        t = self.t(aim)
        for strip in self.analysis_strips((rows, columns)):
            pixels = picture.rgb[strip.first * STRIDE : strip.last * STRIDE]
            x = _padded(_to_tensor(pixels), strip.last - strip.first, columns).to(self.device)
            with self.autocast():
                y = self.transforms.analyse(x, t)[0, :, strip.inner]
            y = y.round().clamp(-LATENT_LIMIT, LATENT_LIMIT).permute(1, 2, 0)
            y_hat[strip.rows] = y.to(torch.int32).cpu().numpy()
            if meter:
                meter.add((strip.stop - strip.start) * columns)
        return y_hat

    @torch.inference_mode()
    def synthesise(
        self,
        y_hat: Latents,
        height: int,
        width: int,
        aim: Aim,
        meter: Meter | None = None,
    ) -> NDArray[np.uint8]:
        """Pixels (height, width, 3) of token integers (h, w, C)."""
        rgb = np.empty((height, width, 3), np.uint8)
        t = self.t(aim)
        for strip in self.synthesis_strips(y_hat.shape[:2]):
            y = torch.from_numpy(y_hat[strip.context]).to(self.device, torch.float32)
            with self.autocast():
                x_hat = self.transforms.synthesise(y.permute(2, 0, 1)[None], t)[0]
            inner = strip.inner
            x_hat = x_hat[:, inner.start * STRIDE : inner.stop * STRIDE, :width]
            pixels = (x_hat.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
            target = rgb[strip.start * STRIDE : strip.stop * STRIDE]
            target[:] = pixels[: len(target)].cpu().numpy()
            if meter:
                meter.add((strip.stop - strip.start) * y_hat.shape[1])
        return rgb

    def decode_latents(self, stream: Bitstream, meter: Meter | None = None) -> Latents:
        """Token integers (h, w, C) of a parsed file, checked against its checksum."""
        header = stream.header
        if header.model_id != self.identity:
            raise UnknownModel(
                f"needs model {header.model_id.hex()}, these weights are {self.identity.hex()}"
            )
        if header.aim.tune not in self.config.rate.tunes:
            raise Corrupt(f"its tune is {header.aim.tune}, which its model does not have")
        size = latent_size(header.height, header.width)
        windows = self.windows(size)
        if len(stream.windows) != len(windows):
            raise Corrupt(f"{len(stream.windows)} windows do not make {size[0]}x{size[1]} tokens")
        streams = stream.windows
        y_hat = self.code(size, header.aim, lambda i: Decoder(streams[i]), meter=meter).y_hat
        first = 0
        for strip in stream.strips:
            end = first + len(strip.windows)
            if latents_crc(y_hat, windows[first:end]) != strip.latents_crc:
                raise Corrupt("decoded latents do not match their checksum")
            first = end
        return y_hat

    def code(
        self,
        size: Sequence[int],
        aim: Aim,
        open_coder: Callable[[int], Coder[Result]],
        y_hat: Latents | None = None,
        meter: Meter | None = None,
    ) -> Coded[Result]:
        """Entropy coding of all windows, with as many threads as PyTorch has."""
        add = meter.add if meter else None
        num_threads = torch.get_num_threads()
        return code_latents(self.network, size, aim, open_coder, y_hat, add, num_threads)

    def _header(self, picture: Picture, aim: Aim) -> Header:
        schedule = self.config.schedule
        return Header(
            model_id=self.identity,
            width=picture.rgb.shape[1],
            height=picture.rgb.shape[0],
            quality=aim.quality,
            order=Order[schedule.order.upper()],
            seed=schedule.seed,
            steps=schedule.steps,
            alpha=round(schedule.alpha * 10),
            flags=int(picture.grey) | TUNES.index(aim.tune) << 1,
        )

    @property
    def device(self) -> torch.device:
        """Where the transforms run."""
        return self.transforms.gain.device

    def t(self, aim: Aim) -> Tensor:
        """(1, 2) the aim as the transforms take it; ConfigError if there is no such aim."""
        return torch.tensor([self.config.rate.t(aim)], dtype=torch.float32, device=self.device)

    def autocast(self) -> torch.autocast:
        """bfloat16 inside the lapped transforms' networks, on devices that have it: no effect on
        what files mean, and less than 0.01 dB on pixels."""
        fast = self.config.transform.kind == "lapped" and has_bfloat16(self.device)
        return torch.autocast(self.device.type, torch.bfloat16, enabled=fast)

    def analysis_strips(self, size: tuple[int, int]) -> Iterator[Strip]:
        """The parts of (h, w) tokens that the analysis makes one after the other."""
        return strips(*size, self.config.transform.analysis_halo, TOKENS_PER_STRIP)

    def synthesis_strips(self, size: tuple[int, int]) -> Iterator[Strip]:
        """The parts of (h, w) tokens that the synthesis paints one after the other."""
        return strips(*size, self.config.transform.synthesis_halo, TOKENS_PER_STRIP)


@functools.cache
def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 products are faster than float32 ones on the device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in names)


def _to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) bytes -> (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255


def _padded(x: Tensor, rows: int, columns: int) -> Tensor:
    """(1, 3, H, W) -> (1, 3, 16 rows, 16 columns), edges repeated."""
    padding = (0, columns * STRIDE - x.shape[3], 0, rows * STRIDE - x.shape[2])
    x = F.pad(x, padding, mode="replicate") if any(padding) else x
    return x.contiguous(memory_format=torch.channels_last)
