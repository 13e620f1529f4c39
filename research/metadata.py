"""What deflating metadata saves: of photographs in a folder, and of typical kinds.

    python -m research.metadata FOLDER --out results/metadata.json

Bytes are those of chunks in an .m2t file, with types, lengths and checksums.
"""

import argparse
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, UnidentifiedImageError

from m2t.container.chunks import pack_chunk
from m2t.container.metadata import KINDS, pack_metadata
from m2t.eval.results import versions, write_record
from m2t.image.colours import CURVES, PRIMARIES
from m2t.image.metadata import gathered
from m2t.image.profiles import profile

from .command_line import command_line

CAMERA = {
    0x010F: "FUJIFILM",
    0x0110: "X-T30",
    0x011A: 72.0,
    0x011B: 72.0,
    0x0128: 2,
    0x0131: "Digital Camera X-T30 Ver1.20",
    0x0132: "2024:05:17 18:42:09",
    0x013B: "A. Photographer",
    0x0213: 2,
    0x8298: "(c) A. Photographer",
}
EXPOSURE = {
    0x829A: 0.004,
    0x829D: 5.6,
    0x8822: 3,
    0x8827: 160,
    0x9000: b"0230",
    0x9003: "2024:05:17 18:42:09",
    0x9004: "2024:05:17 18:42:09",
    0x9101: b"\1\2\3\0",
    0x9201: 7.96,
    0x9202: 4.97,
    0x9209: 16,
    0x920A: 23.0,
    0xA001: 1,
    0xA002: 6240,
    0xA003: 4160,
    0xA433: "FUJIFILM",
    0xA434: "XF23mmF2 R WR",
}
XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 5.6.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="4" xmp:CreatorTool="Editor 7.1"
    xmp:CreateDate="2024-05-17T18:42:09.00" xmp:ModifyDate="2024-05-19T09:12:44+02:00">
   <dc:creator><rdf:Seq><rdf:li>A. Photographer</rdf:li></rdf:Seq></dc:creator>
   <dc:subject><rdf:Bag><rdf:li>lake</rdf:li><rdf:li>evening</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
PADDING = 20 * (" " * 99 + "\n") + '<?xpacket end="w"?>'
"""Two thousand spaces for editors to write into, as XMP recommends."""


def main() -> None:
    """Measure metadata as chunks and deflated."""
    parser = argparse.ArgumentParser(prog="python -m research.metadata", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    args = parser.parse_args()
    typical = {name: cost(metadata) for name, metadata in kinds().items()}
    write_record(
        args.out,
        typical=typical,
        photographs=photographs(args.folder),
        versions=versions(),
        command=command_line("research.metadata", args.folder),
    )


def cost(metadata: dict[str, bytes]) -> dict[str, Any]:
    """Bytes of chunks, and of what is written."""
    plain = sum(len(pack_chunk(KINDS[name], data)) for name, data in metadata.items())
    return {"plain_bytes": plain, "bytes": len(pack_metadata(metadata))}


def kinds() -> dict[str, dict[str, bytes]]:
    """Typical metadata, by what they are."""
    exif = Image.Exif()
    exif.update(CAMERA)
    exif.get_ifd(0x8769).update(EXPOSURE)
    found = {
        "profile of LittleCMS": {
            "icc": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        },
        "profile made of numbers": {
            "icc": profile(PRIMARIES[12][0], PRIMARIES[12][1], CURVES[13][1])
        },
        "EXIF": gathered({"exif": exif.tobytes()}),
        "XMP": {"xmp": XMP.encode()},
        "XMP with padding": {"xmp": (XMP + PADDING).encode()},
    }
    together = found["profile made of numbers"] | found["EXIF"] | found["XMP with padding"]
    return found | {"profile of numbers, EXIF, XMP with padding": together}


def photographs(folder: Path) -> dict[str, int]:
    """Of those that have metadata: how many, and bytes in sum."""
    total = {"pictures": 0, "with_metadata": 0, "plain_bytes": 0, "bytes": 0}
    for path in sorted(folder.iterdir()):
        try:
            with Image.open(path) as image:
                metadata = gathered(image.info, getattr(image, "text", None))
        except UnidentifiedImageError:
            continue
        total["pictures"] += 1
        if metadata:
            total["with_metadata"] += 1
            for key, value in cost(metadata).items():
                total[key] += value
    return total


if __name__ == "__main__":
    main()
