"""Images of any kind in, 8-bit RGB plus what belongs to it out; and back."""

from .alpha import decode_alpha, encode_alpha
from .guard import ImageWarning, pillow_limit, warn
from .picture import AnyImage, Picture, from_picture, grey_of, to_picture
from .reading import open_image
from .scaling import reduced
from .writing import FORMATS, output_format, save_image

__all__ = [
    "FORMATS",
    "AnyImage",
    "ImageWarning",
    "Picture",
    "decode_alpha",
    "encode_alpha",
    "from_picture",
    "grey_of",
    "open_image",
    "output_format",
    "pillow_limit",
    "reduced",
    "save_image",
    "to_picture",
    "warn",
]
