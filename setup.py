"""The optional C extension, m2t's core for Python; everything else stands in pyproject.toml.

Without a compiler the install succeeds all the same: NumPy gives the same results, only slower.
"""

import sys
from pathlib import Path

from setuptools import Extension, setup

# Each floating-point operation is rounded once: nothing may be fused.
FLAGS = ["/O2", "/fp:precise"] if sys.platform == "win32" else ["-O3", "-ffp-contract=off"]

CORE = Path("core")
BINDING = Path("src", "m2t", "engine", "_core.c")

setup(
    ext_modules=[
        Extension(
            "m2t.engine._core",
            [str(path) for path in (BINDING, *sorted(CORE.glob("*.c")))],
            include_dirs=[str(CORE)],
            depends=[str(path) for path in sorted(CORE.rglob("*.h"))],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],  # one for all Pythons from 3.11 on
            extra_compile_args=FLAGS,
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
