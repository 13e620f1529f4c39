"""Images of any kind in, 8-bit RGB plus what belongs to it out; and back."""

from .guard import ImageWarning
from .picture import AnyImage, Picture, decode_alpha, encode_alpha, from_picture, to_picture
from .reading import open_image
from .writing import FORMATS, output_format, save_image

__all__ = [
    "FORMATS",
    "AnyImage",
    "ImageWarning",
    "Picture",
    "decode_alpha",
    "encode_alpha",
    "from_picture",
    "open_image",
    "output_format",
    "save_image",
    "to_picture",
]
