"""A codec without networks, for tests of the command line: real files, the image inside as PNG.

Run as a program, it is `m2t` with this codec.
"""

import io
import os
import sys
import time
import types
from dataclasses import replace

import numpy as np
from PIL import Image

import m2t
from m2t.container import Bitstream, Header, Layer, Strip, parse
from m2t.container.header import LAYERS
from m2t.errors import ConfigError, UnknownModel
from m2t.image import from_picture, save_image, to_picture
from m2t.presets import preset
from m2t.target import Target

MODEL_ID = b"fakefake"
SLOW = 99
"""The quality that takes forever."""
DEADLY = (13, 13)
"""The size of a picture that ends the process."""


class Codec:
    identity = MODEL_ID
    config = preset("light")

    @classmethod
    def load(cls, name=None, num_threads=None):
        if name not in (None, "fake"):
            raise UnknownModel(f"no model {name}")
        return cls()

    @classmethod
    def for_file(cls, data, num_threads=None):
        return cls()

    def compress(self, image, quality=50, *, tune=None, effort=1, layers=1, **options):
        if quality == SLOW:
            print("started", file=sys.stderr, flush=True)
            time.sleep(60)
        if isinstance(quality, Target):  # so that a test can see what arrived
            raise ConfigError(f"cannot make {quality}")
        picture = to_picture(image)
        if picture.rgb.shape[1::-1] == DEADLY:
            os._exit(7)
        file = io.BytesIO()
        save_image(from_picture(picture), file)
        height, width = picture.rgb.shape[:2]
        steps = 11 + effort  # so that a test can see what arrived
        flags = int(picture.grey) | (tune != "psnr") << 1
        header = Header(MODEL_ID, width, height, quality, steps, 22, flags=flags)
        data = file.getvalue()
        if layers == 1:
            return Bitstream(header, [Strip([data], 0)], picture.metadata).pack()
        parts = [Layer([data], 0), *(Layer([b""], 0) for _ in range(1, layers))]
        steps = (*(1 for _ in range(1, layers)), header.steps - layers + 1)
        header = replace(header, version=LAYERS)
        return Bitstream(header, [], picture.metadata, layers=parts, steps=steps).pack()

    def verified(self, data):
        return np.asarray(self.decompress(data), np.int32)

    def decompress(self, data, progress=None, **view):
        return Image.open(io.BytesIO(parse(data).windows[0]))


def module():
    """A stand-in for m2t.codec."""
    stand_in = types.ModuleType("m2t.codec")
    vars(stand_in)["Codec"] = Codec
    return stand_in


if __name__ in ("__main__", "__mp_main__"):  # the latter in its worker processes
    sys.modules["m2t.codec"] = module()
    m2t.load = Codec.load

if __name__ == "__main__":
    from m2t.__main__ import run

    sys.exit(run())
