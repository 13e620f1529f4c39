"""Builds wheels for Linux, macOS and Windows on this one machine, and checks them: `make wheels`.

The C compiler is the one of PyPI's ziglang. All uses of Python's limited API stay within that of
3.11, so one wheel serves every Python from there on; abi3audit looks whether they do. Each wheel is
built twice, in different folders and without what the compiler remembers: the bytes must agree.

Writes build/wheels/*.whl; with arguments, only the wheels of the platforms that they name.
"""

import importlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from pathlib import Path
from typing import Any

from abi3info import DATAS, FUNCTIONS  # pyright: ignore[reportMissingImports]
from abi3info.models import PyVersion  # pyright: ignore[reportMissingImports]
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parents[1]
WHEELS = ROOT / "build" / "wheels"
TARGETS = {
    "manylinux_2_17_x86_64": "x86_64-linux-gnu.2.17",
    "manylinux_2_17_aarch64": "aarch64-linux-gnu.2.17",
    "macosx_11_0_x86_64": "x86_64-macos.11.0",
    "macosx_11_0_arm64": "aarch64-macos.11.0",
    "win_amd64": "x86_64-windows-gnu",
    "win_arm64": "aarch64-windows-gnu",
}
"""The compiler's names of the platforms."""
OTHERS = {"manylinux_2_17_s390x": "s390x-linux-gnu.2.17"}
"""Only built if named: machines.sh runs it, for its order of bytes."""
OLDEST = PyVersion(3, 11)
DLLTOOL_MACHINES = {"x86_64": "i386:x86-64", "aarch64": "arm64"}
PYCONFIG = """
#define SIZEOF_INT 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_VOID_P 8
#ifdef _WIN32
#define HAVE_DECLSPEC_DLL 1
#define MS_WINDOWS 1
#define MS_WIN64 1
#define SIZEOF_LONG 4
#define SIZEOF_WCHAR_T 2
#else
#define HAVE_SSIZE_T 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_UNISTD_H 1
#define SIZEOF_LONG 8
#define SIZEOF_WCHAR_T 4
#endif
"""
"""What Python's headers ask about a machine of 64 bits; those here tell of this machine alone."""


def zig(*arguments: str | Path) -> None:
    """Run the compiler."""
    subprocess.run([sys.executable, "-m", "ziglang", *arguments], cwd=ROOT, check=True)


def write_headers(folder: Path) -> None:
    """Python's headers, for all targets."""
    shutil.copytree(sysconfig.get_path("include"), folder)
    (folder / "pyconfig.h").write_text(PYCONFIG)


def write_import_library(target: str, folder: Path) -> Path:
    """What Windows links with: the names in python3.dll, which every later Python brings too."""
    names = [
        f"{item.symbol.name}{kind}"
        for items, kind in ((FUNCTIONS, ""), (DATAS, " DATA"))
        for item in items.values()
        if item.added <= OLDEST
    ]
    definition, library = folder / "python3.def", folder / "python3.lib"
    definition.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *sorted(names), ""]))
    machine = DLLTOOL_MACHINES[target.partition("-")[0]]
    zig("dlltool", "-m", machine, "-d", definition, "-l", library)
    return library


class BuildForTarget(build_ext):
    """Compiles the extensions of setup.py, with their flags, for another machine."""

    target = ""

    def get_ext_filename(self, fullname: str) -> str:
        """As the target's Python looks for an extension within the limited API."""
        suffix = ".pyd" if "windows" in self.target else ".abi3.so"
        return fullname.replace(".", os.sep) + suffix

    def run(self) -> None:
        """A failure ends it all, although setup.py calls the extension optional."""
        folder = Path(self.build_temp).absolute()
        folder.mkdir(parents=True)
        headers = folder / "include"
        write_headers(headers)
        links: list[str | Path] = ["-s"]
        if "windows" in self.target:
            links.append(write_import_library(self.target, folder))
        elif "macos" in self.target:
            links += ["-undefined", "dynamic_lookup", "-install_name", "_core.abi3.so"]
        else:
            links.append("-lm")
        for extension in self.extensions:
            built = folder / Path(self.get_ext_filename(extension.name)).name
            zig(
                *("cc", "-target", self.target, "-shared", "-fPIC", "-o", built),
                *extension.extra_compile_args,
                *(f"-D{name}={value}" for name, value in extension.define_macros),
                *(f"-I{path}" for path in (*extension.include_dirs, headers)),
                *extension.sources,
                *links,
            )
            path = Path(self.get_ext_fullpath(extension.name))
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(built, path)


def build(platform: str, target: str, folder: Path) -> Path:
    """The wheel for a platform; all that is written on the way goes into `folder` too."""
    os.environ["ZIG_GLOBAL_CACHE_DIR"] = os.environ["ZIG_LOCAL_CACHE_DIR"] = str(folder / "cache")
    arguments = [
        *("-q", "egg_info", "--egg-base", str(folder)),
        *("build", "--build-base", str(folder / "base")),
        *("bdist_wheel", "--skip-build", "--plat-name", platform, "--dist-dir", str(folder)),
    ]
    core: Any = importlib.import_module("distutils.core")  # setuptools brings it
    distribution = core.run_setup("setup.py", arguments, stop_after="commandline")
    distribution.cmdclass["build_ext"] = type("Build", (BuildForTarget,), {"target": target})
    distribution.run_commands()
    (wheel,) = folder.glob("*.whl")
    return wheel


def main() -> None:
    """See the module."""
    os.chdir(ROOT)
    warnings.filterwarnings("ignore", "setup.py install is deprecated")  # not what happens here
    os.environ["SOURCE_DATE_EPOCH"] = "315532800"  # 1980: the first year that a zip file knows
    known = TARGETS | OTHERS
    if not sys.argv[1:]:
        shutil.rmtree(WHEELS, ignore_errors=True)  # those of other versions
    WHEELS.mkdir(parents=True, exist_ok=True)
    for platform in sys.argv[1:] or TARGETS:
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            wheel, again = (build(platform, known[platform], Path(at)) for at in (first, second))
            if wheel.read_bytes() != again.read_bytes():
                sys.exit(f"{wheel.name}: two builds differ")
            wheel = Path(shutil.copy(wheel, WHEELS))
        audit = [sys.executable, "-m", "abi3audit", "--strict", wheel]
        subprocess.run(audit, check=True)
        print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
