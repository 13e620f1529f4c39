"""Entropy coding: integers in, bytes out, and back. NumPy and an optional C kernel, no torch.

gaussians.py turns a network's mixtures into integers, the last place where floats are seen;
coders.py codes symbols under them, layers.py in parts; draws.py draws symbols from them.
docs/format.md defines the streams.
"""

from .coders import Coder, Counter, Decoder, Encoder
from .draws import Draws
from .gaussians import Mixture, quantise
from .layers import LayerDecoder, LayerEncoder

__all__ = [
    "Coder",
    "Counter",
    "Decoder",
    "Draws",
    "Encoder",
    "LayerDecoder",
    "LayerEncoder",
    "Mixture",
    "quantise",
]
