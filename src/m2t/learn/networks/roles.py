"""What sets some layers of a transform apart from the others: the transforms say so themselves."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

NOTHING: Mapping[str, int] = MappingProxyType({})


class Roles(NamedTuple):
    """Layers by their names inside a network."""

    linear: tuple[str, ...] = ()
    """Linear by themselves: they start near their best, and errors cost most."""
    last: tuple[str, ...] = ()
    """What they write is added to the result."""
    see_pixels: Mapping[str, int] = NOTHING
    """They see blocks of pixels of the picture; the side of the blocks."""

    def below(self, name: str) -> "Roles":
        """The same layers by their names inside what has the network as `name`."""
        return Roles(
            tuple(f"{name}.{layer}" for layer in self.linear),
            tuple(f"{name}.{layer}" for layer in self.last),
            {f"{name}.{layer}": side for layer, side in self.see_pixels.items()},
        )

    def __or__(self, other: "Roles") -> "Roles":  # type: ignore[override]
        return Roles(
            self.linear + other.linear,
            self.last + other.last,
            {**self.see_pixels, **other.see_pixels},
        )
