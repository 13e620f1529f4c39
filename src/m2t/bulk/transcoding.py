"""Files of other models, or aims, to those of one."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ..container import Header, parse_header
from ..progress import Progress
from ..target import Target
from ..work import Codecs, Compression, Made, Wanted, Work, load_codec

if TYPE_CHECKING:
    from ..codec import Codec
    from ..config import Tune


@dataclass(frozen=True)
class Transcoding:
    """How .m2t files of other models, or aims, become those of one."""

    compression: Compression
    """Its tune, where it is None, is that of each file."""
    keeps_quality: bool
    """So is its quality."""
    source_model: str | None
    """Weights of the files; None: those that each names."""

    def wanted(self, compared: bool) -> Wanted:
        """See Compression.wanted; layers, which files that are taken over keep, are an option."""
        to = self.compression
        wanted = to.wanted(compared)
        unsaid = {"layers"} | ({"quality"} if self.keeps_quality else set())
        unsaid |= {"tune"} if to.tune is None else set()
        facts = {name: value for name, value in wanted.facts.items() if name not in unsaid}
        further = {"layers": to.layers, "from_model": self.source_model}
        return Wanted({**wanted.options, **further}, facts, wanted.keep)

    def load(self, num_threads: int | None) -> Work:
        """See work.Load."""
        to = self.compression
        codec = load_codec(to.model, num_threads)
        codecs = Codecs(self.source_model, num_threads)

        def work(file: BytesIO, progress: Progress | None) -> Made:
            data = file.read()
            header = parse_header(data)
            aim = header.aim
            quality = aim.quality if self.keeps_quality else to.quality
            tune = to.tune or (aim.tune if aim.tune in codec.config.rate.tunes else None)
            if self._is_done(header, codec, quality, tune):
                return to.finished(codec, data)  # nothing is lost to a second time
            ours = header.lossless or header.model_id == codec.identity  # any codec reads lossless
            source = codec if ours else codecs.of(data)
            image = source.decompress(data, max_pixels=to.max_pixels)
            return to.made(codec, image, quality, tune, progress)

        return work

    def _is_done(
        self, header: Header, codec: "Codec", quality: int | Target, tune: "Tune | None"
    ) -> bool:
        """Whether a file is as it should be, but for its metadata."""
        lossless, same = self.compression.lossless, (quality, tune) == header.aim
        if header.lossless:
            asked = lossless == "always" and not isinstance(quality, Target)
            return lossless != "never" and (same or asked)
        return lossless != "always" and same and header.model_id == codec.identity
