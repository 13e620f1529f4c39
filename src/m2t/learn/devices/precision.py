"""The types of floats that a device computes fast in."""

import functools
from typing import Literal

import torch

Precision = Literal["auto", "bfloat16", "float32"]


@functools.cache
def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 products are faster than float32 ones on the device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in names)


def products(precision: Precision, device: torch.device) -> torch.dtype:
    """Of matrix products and convolutions; auto: bfloat16 where it is fast."""
    fast = precision == "bfloat16" or (precision == "auto" and has_bfloat16(device))
    return torch.bfloat16 if fast else torch.float32


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Where matrix products and convolutions compute so."""
    return computing_in(products(precision, device), device)


def computing_in(dtype: torch.dtype, device: torch.device) -> torch.autocast:
    """Where matrix products and convolutions compute in that type, float32 being the usual one."""
    low = dtype != torch.float32
    return torch.autocast(device.type, dtype if low else None, enabled=low)
