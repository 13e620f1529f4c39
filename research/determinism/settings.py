"""Settings: the ways of computing that one machine can imitate, for check.py to compare."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from m2t.coding import WINDOWS_PER_BATCH
from m2t.engine.native import levels
from m2t.learn.devices.int8_products import KERNELS
from m2t.learn.devices.operations import TorchOperations
from m2t.predict.native import NativeOperations
from m2t.predict.operations import Operations
from m2t.predict.reference import ReferenceOperations

CPU = torch.device("cpu")
ATEN_LEVELS = ("default", "avx2", "avx512")
"""PyTorch's own kernels. It takes ATEN_CPU_CAPABILITY at its word, even beyond the processor."""
PROCESSORS = {
    "SSE41": "default",
    "AVX2": "avx2",
    "AVX512_CORE": "avx512",
    "AVX512_CORE_VNNI": "avx512",
    "AVX512_CORE_BF16": "avx512",
}
"""Processors to imitate: what oneDNN may use of this one, and ATen's kernels."""
COMPILED = ("m2t.engine._core",)


@dataclass(frozen=True)
class Setting:
    """How a process computes."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    ops: str | None = None
    """Of the entropy network, by name (all_operations); None: what the codec chooses."""
    windows_per_batch: int = WINDOWS_PER_BATCH
    dtype: str = "float32"
    """PyTorch's default."""
    missing: tuple[str, ...] = ()
    """Modules that cannot be imported, as after an installation without a C compiler."""
    encodes: bool = False
    crops: bool = False
    """Decodes only crops, being slow."""


def all_operations() -> dict[str, Operations]:
    """Every way to compute the entropy network that this processor has, by name."""
    native = [NativeOperations(level) for level in range(len(levels()))]
    in_torch = (TorchOperations(kernel, CPU) for kernel in KERNELS)
    found: list[Operations] = [*native, *in_torch, ReferenceOperations()]
    return {ops.name: ops for ops in found}


def all_settings() -> list[Setting]:
    """Those that this machine can imitate; the first one is the machine as it is."""
    best = torch.backends.cpu.get_cpu_capability().lower()
    known = ATEN_LEVELS[: ATEN_LEVELS.index(best) + 1] if best in ATEN_LEVELS else ATEN_LEVELS[:1]
    one = {"OMP_NUM_THREADS": "1"}
    settings = [
        Setting("default", encodes=True),
        Setting("1 thread, plain ATen", {**one, "ATEN_CPU_CAPABILITY": "default"}, encodes=True),
        Setting("1 thread", one),
        Setting("2 threads", {"OMP_NUM_THREADS": "2"}),
        Setting("1 window at a time", windows_per_batch=1),
        Setting("float64 by default", dtype="float64"),
        Setting("no compiled code", missing=COMPILED, crops=True),
        Setting("plain MKL", {"MKL_CBWR": "COMPATIBLE"}, "float32", crops=True),
    ]
    for name in all_operations():
        encodes, crops = name == "float32", name in ("any", "reference")
        settings.append(Setting(name, ops=name, encodes=encodes, crops=crops))
    for isa, level in PROCESSORS.items():
        if level in known:
            environment = {"ONEDNN_MAX_CPU_ISA": isa, "ATEN_CPU_CAPABILITY": level}
            settings.append(Setting(isa, environment, "int8", encodes=isa == "SSE41"))
    return settings
