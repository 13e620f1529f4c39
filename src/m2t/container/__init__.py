"""The .m2t file: signature, header, chunks. Standard library only; docs/format.md defines it."""

from .file import Bitstream, parse, parse_header, read_head
from .header import Header, Order
from .strip import Strip

__all__ = ["Bitstream", "Header", "Order", "Strip", "parse", "parse_header", "read_head"]
