"""The optional C extensions; everything else stands in pyproject.toml.

Without a compiler the install succeeds all the same: NumPy and PyTorch then give the same results,
only slower.
"""

import sys
from pathlib import Path

from setuptools import Extension, setup

# Each floating-point operation is rounded once: nothing may be fused.
FLAGS = ["/O2", "/fp:precise"] if sys.platform == "win32" else ["-O3", "-ffp-contract=off"]


def extension(name: str) -> Extension:
    """The C extension of that name, one for all Python versions from 3.11 on."""
    source = Path("src", *name.split(".")).with_suffix(".c")
    return Extension(
        name,
        [str(source)],
        depends=[str(header) for header in sorted(source.parent.glob(f"{source.stem}_*.h"))],
        define_macros=[("Py_LIMITED_API", "0x030B0000")],
        extra_compile_args=FLAGS,
        py_limited_api=True,
        optional=True,
    )


setup(
    ext_modules=[extension("m2t.coding._rans"), extension("m2t.entropy.integer._native")],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
