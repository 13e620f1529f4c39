"""Entropy coding: integers in, bytes out, and back. NumPy and an optional C kernel, no torch.

gaussians.py turns a network's mixtures into integers, the last place where floats are seen;
rans.py codes symbols under them. docs/format.md defines the streams.
"""

from .coders import Coder, Counter, Decoder, Encoder
from .gaussians import Mixture, quantise

__all__ = ["Coder", "Counter", "Decoder", "Encoder", "Mixture", "quantise"]
