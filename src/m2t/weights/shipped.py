"""Where weights are found: by name among the shipped ones, by path, or by the id in a file."""

import os
from pathlib import Path

from ..errors import UnknownModel

DEFAULT = "light"
_FOLDER = Path(__file__).parent


def shipped() -> dict[str, Path]:
    """Name -> file of the weights inside the package."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.safetensors"))}


def locate(name_or_path: str | os.PathLike[str] | None = None) -> Path:
    """The weights file of a shipped model's name, or of a path; UnknownModel otherwise."""
    name = os.fspath(name_or_path) if name_or_path is not None else DEFAULT
    if name in shipped():
        return shipped()[name]
    path = Path(name)
    if path.is_file():
        return path
    known = ", ".join(shipped()) or "none"
    raise UnknownModel(f"no model {name}: neither a file nor a shipped model ({known})")
