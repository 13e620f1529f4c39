"""The optional C kernel; everything else stands in pyproject.toml.

Without a compiler the install succeeds all the same, and the Python kernel codes instead.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "m2t.coding._rans",
            ["src/m2t/coding/_rans.c"],
            depends=["src/m2t/coding/_rans_core.h"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],  # one wheel for 3.11 and later
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
