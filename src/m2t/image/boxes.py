"""What HEIC and AVIF files say in their boxes (ISO/IEC 14496-12 and 23008-12), as far as needed."""

import struct
from collections.abc import Iterator


def nclx(head: bytes) -> tuple[int, int] | None:
    """Primaries and transfer function of a file's main picture; None where it does not say.

    `head` are the file's first bytes. Damaged boxes count as none.
    """
    try:
        return _nclx(head)
    except (struct.error, LookupError):
        return None


def _nclx(head: bytes) -> tuple[int, int] | None:
    meta = dict(_boxes(dict(_boxes(head))[b"meta"][4:]))
    properties = dict(_boxes(meta[b"iprp"]))
    known = list(_boxes(properties[b"ipco"]))
    for index in _associated(properties[b"ipma"], _main_item(meta[b"pitm"])):
        kind, data = known[index - 1] if index else (b"", b"")
        if kind == b"colr" and data[:4] == b"nclx":
            return struct.unpack_from(">HH", data, 4)
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Types and payloads, up to one that is not whole."""
    position = 0
    while position + 8 <= len(data):
        num_bytes, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if num_bytes == 1 and start + 8 <= len(data):
            (num_bytes,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = position + num_bytes if num_bytes else len(data)
        if not start <= end <= len(data):
            return
        yield kind, data[start:end]
        position = end


def _main_item(data: bytes) -> int:
    return struct.unpack_from(">H" if data[0] == 0 else ">I", data, 4)[0]


def _associated(data: bytes, item: int) -> list[int]:
    """The properties of an item, counted from 1."""
    version, wide = data[0], data[3] & 1
    (num_items,) = struct.unpack_from(">I", data, 4)
    position = 8
    for _ in range(num_items):
        (found,) = struct.unpack_from(">I" if version else ">H", data, position)
        position += 4 if version else 2
        count = data[position]
        fields = struct.unpack_from(f">{count}{'H' if wide else 'B'}", data, position + 1)
        position += 1 + count * (2 if wide else 1)
        if found == item:
            return [field & (0x7FFF if wide else 0x7F) for field in fields]
    return []
