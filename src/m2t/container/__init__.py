"""The .m2t file: signature, header, chunks. Standard library only; docs/format.md defines it."""

from .arriving import arriving
from .damaged import parse
from .file import Bitstream, parse_header, read_head
from .header import Header, Order
from .layers import Layer
from .strip import Strip

__all__ = [
    "Bitstream",
    "Header",
    "Layer",
    "Order",
    "Strip",
    "arriving",
    "parse",
    "parse_header",
    "read_head",
]
